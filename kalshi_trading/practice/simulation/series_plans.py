"""Series definitions of the practice exchange, as data only.

The texts are original and every name is an everyday one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kalshi_trading.practice.records import FeeType
from kalshi_trading.practice.simulation.calendars import DAY, HOUR, MINUTE, WEEK, Calendar, Every, Monthly
from kalshi_trading.practice.simulation.event_shapes import Choices, Games, Ladder, Shape, Single, Thresholds


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """One series: its name, fees, calendar and questions."""

    ticker: str
    title: str
    event_title: str  # "{when}" stands for the date
    category: str
    tags: tuple[str, ...]
    source_name: str
    frequency: str
    calendar: Calendar
    shape: Shape
    grid: str = "linear_cent"
    fee_type: FeeType = FeeType.QUADRATIC
    fee_multiplier_percent: int = 100
    date_format: str = "%y%b%d"
    when_format: str = "on %b %-d, %Y"
    day_offset_s: int = 5 * HOUR  # an event that closes at 04:59 UTC belongs to the day before
    max_ahead: int = 400  # events of this series that may exist at once
    min_ahead: int = 1
    opens_ahead: int | None = None  # periods before the close at which trading starts
    result_after_s: int = HOUR
    settlement_timer_s: int = 10 * MINUTE
    scalar: bool = False
    early_close_condition: str | None = None  # None: trading always lasts until the closing time


_LAST_MINUTE = 5 * HOUR - MINUTE  # 04:59 UTC


def _daily_high(code: str, city: str, station: str, center: int) -> SeriesPlan:
    subject = f"high temperature in {city}"
    return SeriesPlan(
        ticker=f"KXHIGH{code}",
        title=f"Highest temperature in {city}",
        event_title=f"Highest temperature in {city} {{when}}?",
        category="Climate and Weather",
        tags=("Daily temperature", city, "Weather"),
        source_name=f"Weather station at {station}",
        frequency="daily",
        calendar=Every(DAY, _LAST_MINUTE),
        shape=Ladder(
            subject, "{}°", Decimal(center), Decimal(6), Decimal("2.6"), Decimal(2), Decimal(1), size=6
        ),
        early_close_condition="Closes once the highest temperature of the day is final.",
    )


_GAME_OVER = "Closes once a winner is declared."
_FOOTBALL_TEAMS = (
    ("BOS", "Boston"), ("BUF", "Buffalo"), ("CHI", "Chicago"), ("CLE", "Cleveland"), ("DAL", "Dallas"),
    ("DEN", "Denver"), ("DET", "Detroit"), ("HOU", "Houston"), ("KC", "Kansas City"), ("LA", "Los Angeles"),
    ("MIA", "Miami"), ("MIN", "Minnesota"), ("NYC", "New York"), ("PHI", "Philadelphia"),
    ("SEA", "Seattle"), ("TB", "Tampa Bay"),
)  # fmt: skip
_BASKETBALL_TEAMS = (
    ("ATL", "Atlanta"), ("BKN", "Brooklyn"), ("BOS", "Boston"), ("CHI", "Chicago"), ("DEN", "Denver"),
    ("GS", "Golden State"), ("HOU", "Houston"), ("IND", "Indiana"), ("LA", "Los Angeles"),
    ("MEM", "Memphis"), ("MIL", "Milwaukee"), ("OKC", "Oklahoma City"), ("PHX", "Phoenix"),
    ("SAC", "Sacramento"), ("TOR", "Toronto"), ("UTA", "Utah"),
)  # fmt: skip

PLANS: tuple[SeriesPlan, ...] = (
    SeriesPlan(
        ticker="KXBTC5M",
        title="Bitcoin price up in five minutes",
        event_title="Will the Bitcoin price go up in the five minutes {when}?",
        category="Crypto",
        tags=("BTC", "Bitcoin", "Five minutes"),
        source_name="Practice price index",
        frequency="five_minutes",
        calendar=Every(5 * MINUTE),
        shape=Single(
            "UP",
            "Will the Bitcoin price go up in the five minutes {when}?",
            "Bitcoin up",
            "the Bitcoin price is higher at the end of the five minutes {when} than at their start",
            5_000,
        ),
        fee_multiplier_percent=50,
        date_format="%y%b%d%H%M",
        when_format="before %H:%M UTC on %b %-d",
        day_offset_s=0,
        max_ahead=2,
        min_ahead=2,
        opens_ahead=1,
        result_after_s=15,
        settlement_timer_s=30,
    ),
    SeriesPlan(
        ticker="KXETH10M",
        title="Ethereum price move in ten minutes",
        event_title="How will the Ethereum price move in the ten minutes {when}?",
        category="Crypto",
        tags=("ETH", "Ethereum", "Ten minutes"),
        source_name="Practice price index",
        frequency="ten_minutes",
        calendar=Every(10 * MINUTE, 2 * MINUTE),
        shape=Choices(
            "Will the Ethereum price {label} in the ten minutes {when}?",
            (
                ("FALL", "fall by more than 0.2%"),
                ("FLAT", "stay within 0.2%"),
                ("RISE", "rise by more than 0.2%"),
            ),
            (30, 40, 30),
        ),
        grid="tapered_deci_cent",
        date_format="%y%b%d%H%M",
        when_format="before %H:%M UTC on %b %-d",
        day_offset_s=0,
        max_ahead=2,
        min_ahead=2,
        opens_ahead=1,
        result_after_s=20,
        settlement_timer_s=40,
    ),
    _daily_high("NY", "New York City", "Central Park", 52),
    _daily_high("CHI", "Chicago", "Midway", 45),
    _daily_high("MIA", "Miami", "the airport", 81),
    SeriesPlan(
        ticker="KXRAINNYC",
        title="Rain in New York City this week",
        event_title="How much rain will fall in New York City in the week ending {when}?",
        category="Climate and Weather",
        tags=("Rain", "New York City", "Weather"),
        source_name="Weather station at Central Park",
        frequency="weekly",
        calendar=Every(WEEK, 3 * DAY + _LAST_MINUTE),
        shape=Thresholds(
            "rainfall in New York City in the week ending {when}",
            "{} inches", Decimal("1.25"), Decimal("0.5"), Decimal("0.6"), Decimal("0.5"), size=5,
        ),
        when_format="%b %-d, %Y",
        max_ahead=30,
    ),
    SeriesPlan(
        ticker="KXFEDDECISION",
        title="Fed interest rate decision",
        event_title="What will the Fed do with its interest rate in {when}?",
        category="Economics",
        tags=("Fed", "Interest rates", "Central bank"),
        source_name="Federal Reserve statement",
        frequency="monthly",
        calendar=Monthly(day=18, hour=19),
        shape=Choices(
            "Will the Fed {label} in {when}?",
            (
                ("C26", "cut its rate by more than 25 basis points"),
                ("C25", "cut its rate by 25 basis points"),
                ("H0", "leave its rate unchanged"),
                ("H25", "raise its rate by 25 basis points"),
                ("H26", "raise its rate by more than 25 basis points"),
            ),
            (3, 25, 64, 6, 2),
        ),
        grid="tapered_deci_cent",
        date_format="%y%b",
        when_format="%B %Y",
        max_ahead=24,
    ),
    SeriesPlan(
        ticker="KXCPI",
        title="Inflation: monthly change of consumer prices",
        event_title="By how much will consumer prices (CPI) rise in {when}?",
        category="Economics",
        tags=("CPI", "Inflation", "Prices"),
        source_name="Bureau of Labor Statistics",
        frequency="monthly",
        calendar=Monthly(day=12, hour=13),
        shape=Thresholds(
            "consumer price inflation (CPI) in {when}",
            "{}%", Decimal("0.35"), Decimal("0.05"), Decimal("0.12"), Decimal("0.1"), size=7,
        ),
        date_format="%y%b",
        when_format="%B %Y",
        max_ahead=24,
    ),
    SeriesPlan(
        ticker="KXINX",
        title="S&P 500 closing range",
        event_title="Where will the S&P 500 index close {when}?",
        category="Financials",
        tags=("S&P 500", "Stock index", "Daily range"),
        source_name="Closing index value",
        frequency="daily",
        calendar=Every(DAY, 21 * HOUR),
        shape=Ladder(
            "S&P 500 index", "{}",
            Decimal(6700), Decimal(60), Decimal(75), Decimal(25), Decimal("0.01"), size=20,
        ),
        grid="tapered_deci_cent",
        fee_multiplier_percent=50,
    ),
    SeriesPlan(
        ticker="KXBTC",
        title="Bitcoin price range",
        event_title="Bitcoin price {when}?",
        category="Crypto",
        tags=("BTC", "Bitcoin", "Daily range"),
        source_name="Practice price index",
        frequency="daily",
        calendar=Every(DAY, 22 * HOUR),
        shape=Ladder(
            "Bitcoin price", "${}",
            Decimal(92_000), Decimal(2500), Decimal(2400), Decimal(1000), Decimal("0.01"), size=15,
        ),
        grid="deci_cent",
        fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES,
    ),
    SeriesPlan(
        ticker="KXGOVERNOR",
        title="Governor election winner",
        event_title="Which party will win the governor election of {when}?",
        category="Elections",
        tags=("Election", "Governor", "Parties"),
        source_name="State election board",
        frequency="quarterly",
        calendar=Monthly(day=5, hour=15, months=3),
        shape=Choices(
            "Will the {label} win the governor election of {when}?",
            (("D", "Democratic Party"), ("R", "Republican Party"), ("I", "independent candidate")),
            (48, 48, 4),
        ),
        grid="deci_cent",
        date_format="%y%b",
        when_format="%B %Y",
        max_ahead=12,
        fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES,
    ),
    SeriesPlan(
        ticker="KXAPPROVAL",
        title="Share of people who approve of the president",
        event_title="Approval rating of the president at the end of {when}",
        category="Politics",
        tags=("President", "Approval", "Polls"),
        source_name="Average of public polls",
        frequency="monthly",
        calendar=Monthly(day=28, hour=20),
        shape=Single(
            "SHARE",
            "What share of people will approve of the president at the end of {when}?",
            "Approval share",
            "polls are published, each contract pays the average approval share at the end of {when}",
            4_400,
        ),
        date_format="%y%b",
        when_format="%B %Y",
        max_ahead=12,
        scalar=True,
    ),
    SeriesPlan(
        ticker="KXFOOTBALLGAME",
        title="Professional football game winner",
        event_title="Football: who will win the game {when}?",
        category="Sports",
        tags=("Football", "Game"),
        source_name="Official score sheet",
        frequency="custom",
        calendar=Every(6 * HOUR, 2 * HOUR),
        shape=Games("football", _FOOTBALL_TEAMS),
        date_format="%y%b%d%H",
        early_close_condition=_GAME_OVER,
        fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES,
    ),
    SeriesPlan(
        ticker="KXBASKETBALLGAME",
        title="Professional basketball game winner",
        event_title="Basketball: who will win the game {when}?",
        category="Sports",
        tags=("Basketball", "Game"),
        source_name="Official score sheet",
        frequency="custom",
        calendar=Every(6 * HOUR, 5 * HOUR),
        shape=Games("basketball", _BASKETBALL_TEAMS),
        date_format="%y%b%d%H",
        early_close_condition=_GAME_OVER,
        fee_type=FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES,
    ),
    SeriesPlan(
        ticker="KXBOXOFFICE",
        title="Weekend box office of the top movie",
        event_title="How much will the top movie earn in the weekend ending {when}?",
        category="Entertainment",
        tags=("Movies", "Box office", "Weekend"),
        source_name="Published box office figures",
        frequency="weekly",
        calendar=Every(WEEK, 4 * DAY + 4 * HOUR),
        shape=Thresholds(
            "the top movie's box office in the weekend ending {when}",
            "${} million", Decimal(60), Decimal(20), Decimal(14), Decimal(10), size=6,
        ),
        when_format="%b %-d, %Y",
        fee_multiplier_percent=0,
        max_ahead=30,
    ),
)  # fmt: skip
