"""Numbers with their nouns, as messages write them; the page's own are in `wording.format`."""


def counted(n: int, noun: str) -> str:
    """Write a number and its noun: "0 reports", "1 report", "1,317 reports"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
