"""postcodes.io's answers -> positions: where a postcode lies, or a sentence why that is not said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crimenb.errors import PlaceNotFound
from crimenb.geo import in_the_united_kingdom
from crimenb.sources.api_models import BulkLookUp, ClosedLookUp, LookUp, Postcode, Terminated
from crimenb.sources.clean_text import tidy
from crimenb.sources.gazetteer import force_of_area_code, refuse_outside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crimenb.sources.http import Web

SERVICE = "postcodes.io"
_MONTH = 30 * 86_400.0
_BULK = 100
"""The most postcodes in one question that postcodes.io allows."""

_ROUGH, _NOWHERE = (5, 6), 9


class Gazetteer:
    """Positions of postcodes, asked of postcodes.io; each is asked once a run at most.

    Parameters
    ----------
    web
        The client.
    url
        Address of the service.
    closed_ok
        Take the last position of a postcode that is no longer in use.
    """

    def __init__(self, web: Web, url: str, *, closed_ok: bool) -> None:
        self.web, self.url, self.closed_ok = web, url, closed_ok
        self._known: dict[str, dict[str, Any]] = {}

    def position(self, postcode: str) -> dict[str, Any]:
        """Return what is known of a postcode: position, areas, force ("" where not said), remark.

        Raises
        ------
        PlaceNotFound
            Unknown, no longer in use, without position, or outside the data.
        """
        refuse_outside(postcode)
        if postcode not in self._known:
            self._known[postcode] = self._look_up(postcode)
        return self._known[postcode]

    def positions(self, postcodes: Sequence[str]) -> dict[str, dict[str, Any] | PlaceNotFound]:
        """Return for each postcode what is known of it, or why nothing is: 100 in one question."""
        unknown = [p for p in dict.fromkeys(postcodes) if p not in self._known]
        for start in range(0, len(unknown), _BULK):
            some = unknown[start : start + _BULK]
            answer = self.web.ask(
                f"{self.url}/postcodes",
                BulkLookUp,
                what=f"{len(some)} postcodes",
                service=SERVICE,
                json={"postcodes": some},
                ttl=_MONTH,
            )
            for item in answer.value.result:
                known = item.result
                if known is None or item.query not in some or not _placed(known):
                    continue
                if _is_same(item.query, known.postcode):
                    self._known[item.query] = _row(item.query, known)
        found: dict[str, dict[str, Any] | PlaceNotFound] = {}
        for postcode in postcodes:
            try:
                found[postcode] = self.position(postcode)
            except PlaceNotFound as error:
                found[postcode] = error
        return found

    def _look_up(self, postcode: str) -> dict[str, Any]:
        answer: LookUp = self.web.ask(
            f"{self.url}/postcodes/{quote(postcode)}",
            LookUp,
            what=f"the postcode {postcode!r}",
            service=SERVICE,
            ttl=_MONTH,
            told=True,
            check=lambda a: _refuse_other(postcode, a.result, a.terminated),
        ).value
        if answer.result is not None:
            return _checked(postcode, answer.result)
        closed = answer.terminated or self._closed(postcode)
        if closed is None:
            msg = f"The postcode {postcode!r} is unknown to {SERVICE}; check its spelling."
            raise PlaceNotFound(msg)
        return self._last_position(postcode, closed)

    def _closed(self, postcode: str) -> Terminated | None:
        """Ask whether a postcode was once in use; older services do not say so by themselves."""
        answer: ClosedLookUp = self.web.ask(
            f"{self.url}/terminated_postcodes/{quote(postcode)}",
            ClosedLookUp,
            what=f"the postcode {postcode!r}",
            service=SERVICE,
            ttl=_MONTH,
            told=True,
            check=lambda a: _refuse_other(postcode, a.result),
        ).value
        return answer.result

    def _last_position(self, postcode: str, closed: Terminated) -> dict[str, Any]:
        when = f"{closed.year_terminated}-{closed.month_terminated:02d}"
        x, y = closed.longitude, closed.latitude
        if x is None or y is None:
            msg = f"The postcode {postcode!r} was closed in {when}; choose another one nearby."
            raise PlaceNotFound(msg)
        if not self.closed_ok:
            msg = (
                f"The postcode {postcode!r} was closed in {when}; choose another one nearby, "
                "or ask for its last position (--closed-ok)."
            )
            raise PlaceNotFound(msg)
        if not in_the_united_kingdom(x, y):
            raise PlaceNotFound(_ABROAD.format(postcode, x, y))
        remark = f"The postcode was closed in {when}; its last position is used."
        return _at(postcode, x, y) | {"remark": remark}


_ABROAD = (
    f"The position that {SERVICE} gives for {{!r}} (longitude {{:.4f}}, latitude {{:.4f}}) is not in "
    "the United Kingdom; choose another postcode nearby."
)


def _is_same(asked: str, answered: str) -> bool:
    return "".join(asked.split()).upper() == "".join(answered.split()).upper()


def _refuse_other(asked: str, *answers: Postcode | Terminated | None) -> None:
    """Raise PlaceNotFound for an answer about a postcode that was not asked for."""
    other = next((a.postcode for a in answers if a is not None and not _is_same(asked, a.postcode)), None)
    if other is not None:
        msg = (
            f"Asked for the postcode {asked!r}, {SERVICE} answered about {other[:20]!r}; "
            "try again later, or choose another one nearby."
        )
        raise PlaceNotFound(msg)


def _at(postcode: str, longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "postcode": postcode, "longitude": round(longitude, 6), "latitude": round(latitude, 6),
        "force": "", "remark": "",
    }  # fmt: skip


def _placed(found: Postcode) -> bool:
    x, y = found.longitude, found.latitude
    return (
        x is not None and y is not None and found.quality != _NOWHERE and math.isfinite(x + y)
        and in_the_united_kingdom(x, y) and not (found.country or "").startswith("Scot")
    )  # fmt: skip


def _checked(postcode: str, found: Postcode) -> dict[str, Any]:
    refuse_outside(postcode, found.country or "")
    x, y = found.longitude, found.latitude
    if x and y and math.isfinite(x + y) and not in_the_united_kingdom(x, y):
        raise PlaceNotFound(_ABROAD.format(postcode, x, y))
    if not _placed(found):
        msg = (
            f"The postcode {postcode!r} cannot be placed on a map ({SERVICE} gives no "
            "coordinates); choose another one nearby."
        )
        raise PlaceNotFound(msg)
    return _row(postcode, found)


def _row(postcode: str, found: Postcode) -> dict[str, Any]:
    codes = found.codes
    remark = ""
    if found.quality in _ROUGH:
        remark = (
            f"The position of this postcode is only rough (quality {found.quality} of {SERVICE}): "
            "the centre may be off by more than the circle's radius."
        )
    # Since December 2025 `lsoa` is of 2021 too; before, only `lsoa21` was.
    lsoa = codes.get("lsoa21") or codes.get("lsoa") or ""
    return _at(postcode, found.longitude or 0.0, found.latitude or 0.0) | {
        "district": tidy(found.admin_district),
        "ward": tidy(found.admin_ward),
        "parish": "" if ", unparished" in (found.parish or "") else tidy(found.parish),
        "lsoa": tidy(lsoa),
        "force": force_of_area_code().get(codes.get("pfa") or "", ""),
        "remark": remark,
    }
