"""Each wrong name in `.env` is reported with line and right name.

No message contains its value.
"""

from __future__ import annotations

import re

import pytest
from cases import naming

from kalshi_trading.config import ConfigurationError, load_settings
from kalshi_trading.settings.options import Settings

NOT_SAVED = "canary7"  # a value that no message may contain

# fault -> the line in the file, and the name the message must contain
MISSPELLED_SAFETY = {
    "neighbours exchanged": ("KALHSI_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "letter lost in the prefix": ("KASHI_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "letter doubled": ("KALSHI_READ_ONLLY=1", "KALSHI_READ_ONLY"),
    "letter wrong": ("KALSHI_READ_OMLY=1", "KALSHI_READ_ONLY"),
    "two slips": ("KALHSI_READ_OLNY=1", "KALSHI_READ_ONLY"),
    "underscore lost": ("KALSHI_READONLY=1", "KALSHI_READ_ONLY"),
    "underscore doubled": ("KALSHI__READ_ONLY=1", "KALSHI_READ_ONLY"),
    "hyphens": ("KALSHI-READ-ONLY=1", "KALSHI_READ_ONLY"),
    "dots": ("kalshi.read.only=1", "KALSHI_READ_ONLY"),
    "lower case": ("kalshi_read_only=1", "KALSHI_READ_ONLY"),
    "mixed case": ("Kalshi_Read_Only=1", "KALSHI_READ_ONLY"),
    "digits for letters": ("KALSH1_READ_0NLY=1", "KALSHI_READ_ONLY"),
    "without the prefix": ("READ_ONLY=1", "KALSHI_READ_ONLY"),
    "without the prefix, in lower case": ("read_only=1", "KALSHI_READ_ONLY"),
    "without the prefix, a slip": ("REDA_ONLY=1", "KALSHI_READ_ONLY"),
    "a word too many": ("KALSHI_READ_ONLY_MODE=1", "KALSHI_READ_ONLY"),
    "PowerShell": ("$env:KALSHI_READ_ONLY = 1", "KALSHI_READ_ONLY"),
    "double quotes": ('"KALSHI_READ_ONLY"=1', "KALSHI_READ_ONLY"),
    "exported and misspelled": ("export KALHSI_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "JavaScript": ("process.env.KALSHI_READ_ONLY = 1", "KALSHI_READ_ONLY"),
    "comment of another language": ("//KALSHI_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "environment": ("ENVIRONMENT=practice", "KALSHI_ENVIRONMENT"),
    "environment, a slip": ("KALSHI_ENVIROMENT=practice", "KALSHI_ENVIRONMENT"),
    "environment's alias": ("KALSHI_EVN=practice", "KALSHI_ENV"),
    "rail, a word lost": ("KALSHI_DAILY_LOSS=5", "KALSHI_DAILY_LOSS_LIMIT"),
    "rail, without the prefix": ("HARD_ORDER_COST=5", "KALSHI_HARD_ORDER_COST"),
    "rail, a slip": ("KALSHI_MARKET_LOSS_LIMTI=5", "KALSHI_MARKET_LOSS_LIMIT"),
    "rail, lower case": ("kalshi_block_through=0.05", "KALSHI_BLOCK_THROUGH"),
}
DISGUISED_SAFETY = {
    "Cyrillic": ("KАLSHI_RЕAD_ОNLY=1", "KALSHI_READ_ONLY"),
    "Greek": ("ΚALSHI_READ_ΟNLY=1", "KALSHI_READ_ONLY"),
    "full width": ("ＫＡＬＳＨＩ_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "accent": ("KALSHI_RÉAD_ONLY=1", "KALSHI_READ_ONLY"),
    "zero-width space": ("KALSHI_\u200bREAD_ONLY=1", "KALSHI_READ_ONLY"),
    "zero-width joiner": ("KALSHI_READ_ONLY\u200d=1", "KALSHI_READ_ONLY"),
    "word joiner": ("KALSHI\u2060_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "soft hyphen": ("KALSHI_READ\u00ad_ONLY=1", "KALSHI_READ_ONLY"),
    "byte order mark": ("\ufeffKALSHI_READ_ONLY=1", "KALSHI_READ_ONLY"),
    "zero-width spaces throughout": ("\u200b".join("KALSHI_READ_ONLY=1"), "KALSHI_READ_ONLY"),
    "direction mark": ("\u200eKALSHI_DAILY_COST_LIMIT=5", "KALSHI_DAILY_COST_LIMIT"),
}
NOT_NAME_AND_VALUE = {
    "cmd": ("set KALSHI_READ_ONLY=canary7", "KALSHI_READ_ONLY"),
    "cmd, in capitals": ("SET KALSHI_API_KEY=canary7", "KALSHI_API_KEY"),
    "setx": ("setx KALSHI_READ_ONLY canary7", "KALSHI_READ_ONLY"),
    "csh": ("setenv KALSHI_READ_ONLY canary7", "KALSHI_READ_ONLY"),
    "Docker": ("ENV KALSHI_READ_ONLY=canary7", "KALSHI_READ_ONLY"),
    "Python": ('os.environ["KALSHI_READ_ONLY"] : canary7', "KALSHI_READ_ONLY"),
    "JavaScript": ("const KALSHI_READ_ONLY = canary7", "KALSHI_READ_ONLY"),
    "JSON": ('"KALSHI_READ_ONLY": "canary7",', "KALSHI_READ_ONLY"),
    "YAML": ("KALSHI_READ_ONLY: canary7", "KALSHI_READ_ONLY"),
    "YAML list": ("- KALSHI_READ_ONLY: canary7", "KALSHI_READ_ONLY"),
    "colon without space": ("KALSHI_READ_ONLY:canary7", "KALSHI_READ_ONLY"),
    "space": ("KALSHI_READ_ONLY canary7", "KALSHI_READ_ONLY"),
    "tab": ("KALSHI_READ_ONLY\tcanary7", "KALSHI_READ_ONLY"),
    "arrow": ("KALSHI_READ_ONLY -> canary7", "KALSHI_READ_ONLY"),
    "arrow without spaces": ("KALSHI_READ_ONLY->canary7", "KALSHI_READ_ONLY"),
    "assignment of Pascal": ("KALSHI_READ_ONLY := canary7", "KALSHI_READ_ONLY"),
    "wide sign of equality": ("KALSHI_READ_ONLY＝canary7", "KALSHI_READ_ONLY"),
    "space in the name": ("KALSHI_READ ONLY=canary7", "KALSHI_READ_ONLY"),
    "no-break space in the name": ("KALSHI_READ\u00a0ONLY=canary7", "KALSHI_READ_ONLY"),
    "spaces for underscores": ("KALSHI API SECRET=canary7", "KALSHI_API_SECRET"),
    "no value": ("KALSHI_READ_ONLY", "KALSHI_READ_ONLY"),
    "no sign and no prefix": ("API_KEY canary7", "KALSHI_API_KEY"),
    "misspelled and with a colon": ("KALHSI_READ_ONLY: canary7", "KALSHI_READ_ONLY"),
    "quote that does not end": ('KALSHI_API_SECRET="canary7', "KALSHI_API_SECRET"),
}
ONLY_NOTED = {
    "a slip": ("KALSHI_LOG_DRI=canary7", "KALSHI_LOG_DIR"),
    "lower case": ("kalshi_data_dir=canary7", "KALSHI_DATA_DIR"),
    "without the prefix": ("API_KEY=canary7", "KALSHI_API_KEY"),
    "a name half of ours": ("KALSHI_PRIVATE_KEY=canary7", "KALSHI_PRIVATE_KEY_PATH"),
    "with a prefix too many": ("KALSHI_LOG_LEVEL=canary7", "LOG_LEVEL"),
    "PowerShell": ("$env:KALSHI_API_SECRET = canary7", "KALSHI_API_SECRET"),
    "Cyrillic": ("KALSHI_API_КEY=canary7", "KALSHI_API_KEY"),
}
INNOCENT = """
# KALHSI_READ_ONLY=1
#READ_ONLY=1
export LOG_LEVEL=INFO
DB_READ_ONLY=1
APP_ENVIRONMENT=production
NODE_ENV=production
OPENAI_API_KEY=canary7
BASE_URL=https://example.com
PRIVATE_KEY=canary7
LOG_FILE=x.log
NOTE="two lines,
KALHSI_READ_ONLY=1 is in the second"
"""


@pytest.fixture
def outcome_of(tmp_path):
    """Load a file whose third line is this one; return settings or error."""

    def load(line):
        path = tmp_path / ".env"
        path.write_bytes(f"LOG_LEVEL=INFO\n\n{line}\nKALSHI_READ_RETRIES=1\n".encode())
        with naming(ascii(line)):
            try:
                return load_settings({}, path)
            except ConfigurationError as error:
                return error

    return load


def unlike(pattern, table, outcome_of):
    """Return the cases whose message does not match the pattern.

    The right name is inserted for RIGHT.
    """
    wrong = []
    for kind, (line, name) in table.items():
        outcome = outcome_of(line)
        said = "\n".join(outcome.warnings) if isinstance(outcome, Settings) else str(outcome)
        if not re.fullmatch(pattern.replace("RIGHT", name), said) or NOT_SAVED in said:
            wrong.append((kind, said))
    return wrong


def test_a_misspelled_safety_setting_stops_the_start(outcome_of):
    sentence = r"RIGHT: is misspelled in line 3 of \.env\. Write RIGHT=value, or remove the line\."
    assert unlike(sentence, MISSPELLED_SAFETY, outcome_of) == []


def test_a_safety_setting_that_only_looks_right_stops_the_start_and_says_why(outcome_of):
    why = ", with an invisible or look-alike character"
    sentence = rf"RIGHT: is misspelled in line 3 of \.env{why}\. Write RIGHT=value, or remove the line\."
    assert unlike(sentence, DISGUISED_SAFETY, outcome_of) == []


def test_a_line_that_is_not_name_and_value_is_refused_with_the_name_that_was_meant(outcome_of):
    remedy = r"Write RIGHT=value\. Put multi-line values in double quotes"
    assert unlike(rf"\.env: line 3 is not NAME=value\. {remedy}\.", NOT_NAME_AND_VALUE, outcome_of) == []


def test_other_misspelled_options_get_a_note(outcome_of):
    sentence = r"Line 3 of \.env sets an unknown option[^.]*\. Did you mean RIGHT\?"
    assert unlike(sentence, ONLY_NOTED, outcome_of) == []


def test_several_lines_that_spoil_one_name_are_named_together(outcome_of):
    problems = outcome_of("set KALSHI_READ_ONLY=1\nsome words\nKALSHI_READ_ONLY: 1").problems
    assert [str(problem) for problem in problems] == [
        ".env: lines 3, 5 are not NAME=value. "
        "Write KALSHI_READ_ONLY=value. Put multi-line values in double quotes.",
        ".env: line 4 is not NAME=value. Write NAME=value. Put multi-line values in double quotes.",
    ]


def test_a_right_setting_does_not_excuse_a_misspelled_one(outcome_of):
    assert "misspelled in line 4" in str(outcome_of("KALSHI_READ_ONLY=0\nKALHSI_READ_ONLY=1"))


def test_variables_of_other_programs_give_nothing(tmp_path):
    path = tmp_path / ".env"
    path.write_text(INNOCENT)
    assert load_settings({}, path).warnings == ()


@pytest.mark.parametrize("name", ["KALSHI_COFFEE", "KALSHI_ORDERS"])
def test_an_option_that_comes_close_to_none_does_not_stop_the_start(name, outcome_of):
    assert outcome_of(f"{name}=canary7").warnings == (f"Line 3 of .env sets an unknown option ({name}).",)


# --- The process environment ----------------------------------------------------------------------


def said_of(name):
    try:
        return "\n".join(load_settings({name: NOT_SAVED}, None).warnings)
    except ConfigurationError as error:
        return str(error)


def test_a_safety_setting_misspelled_in_the_process_environment_stops_the_start():
    assert said_of("KALHSI_READ_ONLY") == (
        "KALSHI_READ_ONLY: is misspelled in the process environment (KALHSI_READ_ONLY). "
        "Write KALSHI_READ_ONLY=value, or unset the variable."
    )
    assert "KALSHI_DAILY_LOSS_LIMIT: is misspelled" in said_of("kalshi_daily_loss_limit")
    assert said_of("KALSHI_RЕAD_ONLY") == (
        "KALSHI_READ_ONLY: is misspelled in the process environment, with an invisible or look-alike "
        "character. Write KALSHI_READ_ONLY=value, or unset the variable."
    )


def test_another_option_misspelled_in_the_process_environment_gets_a_note():
    assert said_of("KALSHI_LOG_DRI") == (
        "The process environment (KALSHI_LOG_DRI) sets an unknown option. Did you mean KALSHI_LOG_DIR?"
    )


OF_OTHERS = """
    API_KEY READ_ONLY ENVIRONMENT ENV LOG_LEVLE DAILY_LOSS_LIMIT HARD_ORDER_COST PRIVATE_KEY_PATH read_only
    KALSHI_COFFEE KALSHI_VENV KRAKEN_READ_ONLY PATH
"""


def test_the_process_environment_of_other_programs_gives_nothing():
    assert [(name, said) for name in OF_OTHERS.split() if (said := said_of(name))] == []


def test_a_name_that_would_spoil_the_screen_is_not_shown():
    assert "\x1b" not in said_of("KALHSI_READ_ONLY\x1b[2J")
