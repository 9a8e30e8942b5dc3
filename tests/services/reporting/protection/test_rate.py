"""R6: the conditions for showing a share."""

from decimal import Decimal

from reporting.ground.protection.protected import rate


def test_there_is_no_rate_over_a_few_people() -> None:
    """R6: a share among k persons would reveal their number."""
    assert rate(5, 5, 5).value is rate(5, 9, 5).value is None
    assert rate(5, 10, 5).value == Decimal("0.5")
