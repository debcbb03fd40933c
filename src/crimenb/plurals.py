"""Numbers with their nouns, as messages and pages write them."""


def counted(n: int, one: str, many: str = "") -> str:
    """Write a number and its noun: "0 reports", "1 report", "1,317 reports"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
