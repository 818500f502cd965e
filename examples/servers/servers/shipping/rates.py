"""What a kilogram costs, by country."""

RATES = {"AT": 1.2, "DE": 0.9, "FR": 1.4}
BASE = 3.0


def price(country: str, kilograms: float) -> float:
    """The price of a parcel, in euros."""
    return BASE + RATES[country] * kilograms
