"""Misspelled names match the setting meant; foreign names match none."""

from __future__ import annotations

from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.settings.options import SAFETY_NAMES, SPELLED_NAMES
from kalshi_trading.settings.setting_names import has_prefix, meant_name

MEANT = {
    "KALSHI_READ_ONLY": [
        "KALHSI_READ_ONLY",
        "KASHI_READ_ONLY",
        "KALLSHI_READ_ONLY",
        "KALSHY_READ_ONLY",
        "KALSHI_REDA_ONYL",
        "KALSHI_READONLY",
        "KALSHIREADONLY",
        "KALSHI__READ_ONLY",
        "KALSHI-READ-ONLY",
        "kalshi.read.only",
        "kalshi_read_only",
        "Kalshi_Read_Only",
        "KALSHI READ ONLY=1",
        "KALSH1_READ_0NLY",
        "KALSHI_READ_ONLY_MODE",
        "READ_ONLY",
        "readOnly",
        "REDA_ONLY",
        "КАLSНI_RЕАD_ОNLУ",  # Cyrillic
        "ΚΑLSΗΙ_RΕΑD_ΟΝLΥ",  # Greek
        "ＫＡＬＳＨＩ＿ＲＥＡＤ＿ＯＮＬＹ",
        "KALSHI_RÉAD_ONLY",
        "KALSHI_\u200bREAD_ONLY",
        "\ufeffKALSHI_READ_ONLY",
        "KALSHI_READ\u00ad_ONLY",
        "KALSHI_READ\u00a0ONLY=1",
        "KALSHI_READ_ONLY\u2060",
        "$env:KALSHI_READ_ONLY",
        '"KALSHI_READ_ONLY": "1",',
        "'KALSHI_READ_ONLY'",
        "set KALSHI_READ_ONLY=1",
        "setx KALSHI_READ_ONLY 1",
        "setenv KALSHI_READ_ONLY 1",
        "- KALSHI_READ_ONLY: 1",
        "KALSHI_READ_ONLY: 1",
        "KALSHI_READ_ONLY:1",
        "KALSHI_READ_ONLY 1",
        "KALSHI_READ_ONLY\t1",
        "KALSHI_READ_ONLY -> 1",
        "KALSHI_READ_ONLY->1",
        "KALSHI_READ_ONLY＝1",
        'os.environ["KALSHI_READ_ONLY"] = "1"',
        "process.env.KALSHI_READ_ONLY = 1",
        "%KALSHI_READ_ONLY%",
        "//KALSHI_READ_ONLY",
    ],
    "KALSHI_ENVIRONMENT": ["ENVIRONMENT", "KALSHI_ENVIROMENT", "KALSHI_ENVIRONEMNT", "ENVIRONMNET"],
    "KALSHI_ENV": ["KALSHI_EVN", "KALHSI_ENV", "kalshi_env"],
    "KALSHI_DAILY_LOSS_LIMIT": ["KALSHI_DAILY_LOSS", "DAILY_LOSS_LIMIT", "KALSHI_DAYLY_LOSS_LIMIT"],
    "KALSHI_SOFT_ORDER_COST": ["KALSHI_SOFT_ORDER_COTS", "KALSHI_SOFT_ODER_COST", "SOFT_ORDER_COST"],
    "KALSHI_HARD_ORDER_COST": ["KALSHI_HART_ORDER_COST", "KALSHI_HARD_ORDERCOST"],
    "KALSHI_MARKET_ORDER_CAP": ["KALSHI_MARKET_ORDER", "KALSHI_MARKT_ORDER_CAP"],
    "KALSHI_API_KEY": ["API_KEY", "KALSHI_APIKEY", "KALSHI_API_KEYS", "API_KEY: 0123"],
    "KALSHI_API_KEY_ID": ["KALSHI_KEY_ID", "API_KEY_ID"],
    "KALSHI_API_SECRET": ["KALSHI_API SECRET=x", "KALSHI_API_SECERT", "API_SECRET"],
    "KALSHI_PRIVATE_KEY_PATH": ["KALSHI_PRIVATE_KEY", "PRIVATE_KEY_PATH"],
    "KALSHI_API_BASE_URL": ["KALSHI_BASE_URL", "API_BASE_URL"],
    "LOG_LEVEL": ["KALSHI_LOG_LEVEL", "LOGLEVEL", "LOG_LEVLE", "log_level"],
}
OF_OTHERS = """
    ENV DEMO_KEYID DEMO_KEYFILE PROD_KEYID PROD_KEYFILE EVENT_TICKER KALSHI_EMAIL KALSHI_PASSWORD
    KALSHI_COFFEE KALSHI_VENV KALSHI_HOME BASE_URL DEMO_URL HTTP_METHOD
    DB_READ_ONLY IS_READ_ONLY POSTGRES_READ_ONLY APP_ENVIRONMENT NODE_ENV ENV_FILE ENVIRON
    POLYMARKET_DAILY_LOSS_LIMIT KRAKEN_WARN_FROM_MIDPOINT MAX_ORDER_COST ORDER_COUNT
    OPENAI_API_KEY AWS_SECRET_ACCESS_KEY SECRET_KEY PRIVATE_KEY KEY TOKEN URL LOG LOG_FILE LOG_FORMAT LEVEL
    PATH HOME PYTHONPATH PYTHONSAFEPATH EDITOR LANG TERM TZ DEBUG PORT HOST DATABASE_URL REDIS_URL
    COMPOSE_PROJECT_NAME XDG_DATA_HOME VIRTUAL_ENV KALSHI
"""


def test_a_misspelled_name_leads_to_the_setting_that_was_meant():
    wrong = []
    for meant, writings in MEANT.items():
        for written in writings:
            with naming(ascii(written)):
                if (found := meant_name(written, SPELLED_NAMES)) != meant:
                    wrong.append((ascii(written), found))
    assert wrong == []


def test_every_name_stands_for_itself():
    assert [name for name in SPELLED_NAMES if meant_name(name, SPELLED_NAMES) != name] == []


def test_names_of_other_programs_lead_nowhere():
    assert [(name, found) for name in OF_OTHERS.split() if (found := meant_name(name, SPELLED_NAMES))] == []


def slips(name):
    """Yield every name with one typing error.

    Two neighbors are swapped, or one character is lost, doubled or wrong.
    """
    for at in range(len(name)):
        head, tail = name[:at], name[at + 1 :]
        yield from (head + tail, head + name[at] * 2 + tail, f"{head}Q{tail}")
        if tail and name[at] != tail[0]:
            yield head + tail[0] + name[at] + tail[1:]


def test_one_slip_in_a_safety_setting_still_leads_to_it():
    wrong = [
        (written, found)
        for name in SAFETY_NAMES
        for written in slips(name)
        if written not in SPELLED_NAMES and (found := meant_name(written, SPELLED_NAMES)) != name
    ]
    assert wrong == []


def test_only_a_name_that_begins_like_ours_has_the_prefix():
    ours = ["KALSHI_X", "KALHSI_X", "KASHI_READ_ONLY", "kalshi_x", "\u200bKALSHI_X", "KАLSHI_X"]
    assert [name for name in ours if not has_prefix(name)] == []
    others = ["READ_ONLY", "API_KEY", "KRAKEN_KEY", "KAFKA_HOST", "SHELL", "KDE_SESSION", "LS_COLORS", ""]
    assert [name for name in others if has_prefix(name)] == []


@given(st.text(max_size=300))
def test_any_text_leads_to_a_name_of_ours_or_none(text):
    assert meant_name(text, SPELLED_NAMES) in (*SPELLED_NAMES, None)
