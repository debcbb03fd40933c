"""Write docs/data.md, the data dictionary, from crimenb.schema."""

from pathlib import Path

from crimenb.schema import COLUMNS, ROWS, VIEWS, meaning

TARGET = Path(__file__).parents[1] / "docs" / "data.md"
_INTRODUCTION = """\
# Data dictionary

Made by `python tools/make_data_dictionary.py` from `src/crimenb/schema.py`; do not edit it.

Shapes are in EPSG:4326 (longitude, latitude); distances are measured in EPSG:27700 (metres). A month that may not be
summed is missing, never zero. The functions' frames have pandas' dtypes and missing values (NA); those of `data` are as
they are stored, with "" for a missing text.
"""
_PARTS = {
    "What the functions return": ("crimenb.{}", VIEWS),
    "What `data` holds, and a report's folder `data/`": ("data.{}", COLUMNS),
}


def text() -> str:
    lines = [_INTRODUCTION]
    for title, (form, frames) in _PARTS.items():
        lines.append(f"## {title}\n")
        for name, columns in frames.items():
            lines.append(
                f"### `{form.format(name)}`\n\nOne row: {ROWS[name]}.\n\n| column | dtype | what |\n|---|---|---|"
            )
            lines += [f"| `{c}` | {dtype} | {meaning(name, c)} |" for c, dtype in columns.items()]
            lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
