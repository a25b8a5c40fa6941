"""The default paths of a checkout and of an installed program."""

from __future__ import annotations

import pytest

from kalshi_trading.settings import places


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "main.py").touch()
    return folder


@pytest.fixture
def site_packages(tmp_path):
    folder = tmp_path / "site-packages"
    (folder / "kalshi_trading_terminal-2.6.0.dist-info").mkdir(parents=True)
    return folder


def test_a_checkout_keeps_its_files_beside_main(checkout, home):
    assert places.is_checkout(checkout)
    assert places.env_file({}, checkout) == checkout / ".env"
    assert places.log_dir(home / "data", checkout) == checkout / "logs"


def test_an_installed_program_uses_the_users_folders_even_beside_a_foreign_main(site_packages, home):
    (site_packages / "main.py").touch()
    assert not places.is_checkout(site_packages)
    assert places.env_file({}, site_packages) == home / ".config/kalshi-trading/.env"
    assert places.data_dir({}) == home / ".local/share/kalshi-trading"
    assert places.log_dir(home / "data", site_packages) == home / "data/logs"


def test_the_desktops_folders_go_first_if_they_are_absolute(site_packages, home):
    assert (
        places.env_file({"XDG_CONFIG_HOME": "/etc/x"}, site_packages).parent.as_posix()
        == "/etc/x/kalshi-trading"
    )
    assert places.env_file({"XDG_CONFIG_HOME": "x"}, site_packages) == home / ".config/kalshi-trading/.env"
    assert places.data_dir({"XDG_DATA_HOME": "/var/x"}).as_posix() == "/var/x/kalshi-trading"


@pytest.mark.parametrize("value", ["", "relative"])
def test_an_impossible_home_is_unknown(value, site_packages, monkeypatch):
    monkeypatch.setenv("HOME", value)
    assert places.env_file({}, site_packages) is None
    assert places.data_dir({}) is None
