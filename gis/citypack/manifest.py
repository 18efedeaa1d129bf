"""What a city pack says about itself: `city.toml`, read and checked before any layer is opened."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gis.citypack.encodings import CONTROLS
from gis.datum import SEA_LEVEL, is_sea_level
from gis.errors import CityPackError
from gis.points import LonLat, coordinate_fault

FORMAT = "faonam-city/1"
FILE = "city.toml"
SHIPPED = Path(__file__).parent / "manifests"
TRUSTS = ("real", "derived", "simulated")
KEEPS = ("all", "province", "extent", "boundary")
DEFAULT_MARGIN_M = 2000.0
DEFAULT_ENCODING = "utf-8-sig"

_CITY_KEYS = {"format", "slug", "name_th", "name_en", "centre", "datum", "extends", "layer"}
_LAYER_KEYS = {
    "name", "kind", "file", "crs", "source", "licence", "dated", "trust", "columns", "values", "attributes",
    "keep", "margin_m", "encoding", "polygons", "repair", "legend", "sublayer", "optional", "holes",
}
# Kinds whose rows hold levels: without a datum a level says nothing.
WITH_LEVELS = ("terrain", "road_levels", "flood_marks", "gauges", "cameras")
_SLUG = re.compile(r"[a-z0-9-]{1,60}")
FIRST_BUDDHIST_YEAR = 2400  # Years of the Buddhist era are 543 ahead.


@dataclass(frozen=True)
class LayerEntry:
    """One `[[layer]]`: the file, what its columns are called, and where it comes from.

    `columns` maps our field to their column, or to several of which the first that is filled counts; `values` maps
    their words to ours, by field. `keep` says which rows belong to the city: all (those farther than `margin_m` from
    the extent are then errors), those of the province and 5 km, those that touch the extent or the boundary. An
    optional layer may lack its file. `holes = "keep"` lets unknown ground inside the city stay unknown instead of
    refusing the terrain.
    """

    name: str
    kind: str
    file: str
    source: str
    licence: str
    trust: str
    dated: date | None = None
    crs: str | None = None
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    attributes: Sequence[str] = ()
    keep: str = "all"
    margin_m: float = DEFAULT_MARGIN_M
    encoding: str = DEFAULT_ENCODING
    sublayer: str | None = None
    polygons: str | None = None
    repair: bool = False
    is_optional: bool = False
    holes: str = ""
    legend: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """A city pack's own words; `path` is the manifest's file, `folder` where its layers lie."""

    path: Path
    folder: Path
    slug: str
    name_th: str
    name_en: str
    centre: LonLat | None
    datum: str
    extends: str | None
    layers: tuple[LayerEntry, ...]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the pack in `folder`: its own `city.toml`, or the one we ship for a folder of that name.

    Raises CityPackError that names what is missing or unknown.
    """
    if not folder.is_dir():
        raise CityPackError([f"{folder}: there is no such file or folder."])
    path = _manifest_path(folder)
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
    except OSError as exc:
        raise CityPackError([f"{path.name}: it cannot be read: {exc.strerror}."]) from exc
    except UnicodeDecodeError as exc:
        raise CityPackError([f"{path.name}: it is not UTF-8 text (byte {exc.start})."]) from exc
    except tomllib.TOMLDecodeError as exc:
        raise CityPackError([f"{path.name}: it is not TOML: {exc}."]) from exc
    return _Reading(path, folder, content).manifest()


def _manifest_path(folder: Path) -> Path:
    own = folder / FILE
    if own.exists():
        return own
    shipped = SHIPPED / f"{folder.resolve().name}.toml"
    if shipped.exists():
        return shipped
    known = ", ".join(sorted(path.stem for path in SHIPPED.glob("*.toml")))
    raise CityPackError(
        [f"{folder}: it has no {FILE}, and no manifest is shipped for a folder of that name (shipped: {known})."]
    )


def _is_of_texts(table: object) -> bool:
    return isinstance(table, dict) and all(isinstance(text, str) for text in table.values())


class _Reading:
    """One reading of a manifest: collects every finding before it gives up."""

    def __init__(self, path: Path, folder: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.folder = folder
        self.content = content
        self.findings: list[str] = []

    def note(self, where: str, cause: str) -> None:
        self.findings.append(f"{self.path.name}{', ' + where if where else ''}: {cause}")

    def manifest(self) -> Manifest:
        city = self.content
        if city.get("format") != FORMAT:
            self.note("format", f"it must be \"{FORMAT}\", not {city.get('format')!r}.")
        self._refuse_unknown("", city, _CITY_KEYS)
        extends = self._text("", city, "extends", default="") or None
        slug = self._text("", city, "slug", default=extends)
        if slug and not _SLUG.fullmatch(slug):
            self.note("slug", f"only letters a-z, digits and hyphens, at most 60, not '{slug[:80]}'.")
        layers = [self._layer(number, entry) for number, entry in enumerate(self._layers(city), start=1)]
        self._refuse_twice([layer.name for layer in layers])
        self._check_datum(city.get("datum"), layers)
        manifest = Manifest(
            path=self.path, folder=self.folder, slug=slug, layers=tuple(layers), extends=extends,
            name_th=self._text("", city, "name_th", default="" if extends else None),
            name_en=self._text("", city, "name_en", default="" if extends else None),
            centre=self._centre(city.get("centre")),
            datum=self._text("", city, "datum", default=SEA_LEVEL),
        )
        if self.findings:
            raise CityPackError(self.findings)
        return manifest

    def _check_datum(self, datum: object, layers: Sequence[LayerEntry]) -> None:
        """Levels are read only where it is said from where they count, and only from mean sea level."""
        levels = [layer.name for layer in layers if layer.kind in WITH_LEVELS]
        if levels and datum is None:
            self.note(
                "datum", f"'{levels[0]}' holds levels, but nothing says from where they count: datum = "
                f"\"{SEA_LEVEL}\" if they do; levels from another zero must be converted first.",
            )
        elif levels and isinstance(datum, str) and not is_sea_level(datum):
            self.note(
                "datum", f"'{levels[0]}' holds levels of '{datum}'; only metres above mean sea level are understood "
                f"(\"{SEA_LEVEL}\"): levels from another zero must be converted first.",
            )

    def _layers(self, city: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        layers = city.get("layer", [])
        if not isinstance(layers, list) or not all(isinstance(entry, dict) for entry in layers):
            self.note("layer", "layers are written as [[layer]].")
            return []
        if not layers:
            self.note("layer", "the pack has no layers.")
        return layers

    def _layer(self, number: int, entry: Mapping[str, Any]) -> LayerEntry:
        where = f"layer '{entry['name']}'" if isinstance(entry.get("name"), str) else f"layer {number}"
        self._refuse_unknown(where, entry, _LAYER_KEYS)
        file = self._text(where, entry, "file")
        # Only what we ship ourselves may look beside the folder: anybody's pack could otherwise read anything.
        is_ours = self.path.parent == SHIPPED
        if file and not is_ours and not self._is_inside(where, file):
            self.note(where, f"the file '{file}' lies outside the pack's folder.")
        return LayerEntry(
            name=self._text(where, entry, "name"),
            kind=self._text(where, entry, "kind"),
            file=file,
            source=self._text(where, entry, "source"),
            licence=self._text(where, entry, "licence"),
            trust=self._one_of(where, entry, "trust", TRUSTS, default=None),
            dated=self._date(where, entry.get("dated")),
            crs=self._text(where, entry, "crs", default="") or None,
            columns=self._columns(where, entry.get("columns", {})),
            values=self._values(where, entry.get("values", {})),
            attributes=tuple(self._texts(where, "attributes", entry.get("attributes", []))),
            keep=self._one_of(where, entry, "keep", KEEPS, default="all"),
            margin_m=self._number(where, entry.get("margin_m", DEFAULT_MARGIN_M)),
            encoding=self._encoding(where, entry),
            sublayer=self._text(where, entry, "sublayer", default="") or None,
            polygons=self._one_of(where, entry, "polygons", ("", "voronoi"), default="") or None,
            repair=self._truth(where, entry, "repair"),
            is_optional=self._truth(where, entry, "optional"),
            holes=self._one_of(where, entry, "holes", ("", "keep"), default=""),
            legend=self._legend(where, entry.get("legend", {})),
        )

    def _is_inside(self, where: str, file: str) -> bool:
        """The file lies in the pack's folder; one whose name leads nowhere is noted here and passes."""
        try:
            found = (self.folder / file).resolve(strict=False)
            found.stat()
        except FileNotFoundError:
            pass  # A missing file is told when it is read, beside whatever else is wrong.
        except (OSError, ValueError, RuntimeError) as exc:
            cause = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
            self.note(where, f"the file '{file[:80]}' cannot be looked at: {cause}.")
            return True
        return found.is_relative_to(self.folder.resolve())

    def _refuse_unknown(self, where: str, entry: Mapping[str, Any], known: set[str]) -> None:
        for key in sorted(set(entry) - known):
            self.note(where, f"there is no setting '{key}' (known: {', '.join(sorted(known))}).")

    def _refuse_twice(self, names: Sequence[str]) -> None:
        for name in sorted({name for name in names if name and names.count(name) > 1}):
            self.note(f"layer '{name}'", "two layers have this name.")

    def _text(self, where: str, entry: Mapping[str, Any], key: str, *, default: str | None = None) -> str:
        value = entry.get(key, default)
        if isinstance(value, str) and (value or default == ""):
            if CONTROLS.search(value):
                self.note(where, f"'{key}' holds a control character: {value[:80]!r}.")
            return value
        self.note(where, f"'{key}' is missing." if value is None else f"'{key}' must be a text, not {value!r}.")
        return ""

    def _texts(self, where: str, key: str, value: object) -> list[str]:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return value
        self.note(where, f"'{key}' must be a list of texts.")
        return []

    def _one_of(
        self, where: str, entry: Mapping[str, Any], key: str, known: Sequence[str], *, default: str | None
    ) -> str:
        value = entry.get(key, default)
        if value in known:
            return str(value)
        self.note(where, f"'{key}' must be one of {', '.join(filter(None, known))}, not {value!r}.")
        return ""

    def _encoding(self, where: str, entry: Mapping[str, Any]) -> str:
        name = self._text(where, entry, "encoding", default=DEFAULT_ENCODING) or DEFAULT_ENCODING
        try:
            "a".encode(name)
        except (LookupError, ValueError):
            self.note(where, f"there is no encoding '{name[:40]}': for an older Thai file say encoding = \"cp874\".")
            return DEFAULT_ENCODING
        return name

    def _truth(self, where: str, entry: Mapping[str, Any], key: str) -> bool:
        value = entry.get(key, False)
        if not isinstance(value, bool):
            self.note(where, f"'{key}' must be true or false without quotes, not {value!r}.")
        return value is True

    def _legend(self, where: str, value: object) -> Mapping[str, Any]:
        try:
            if isinstance(value, dict) and "\\u0000" not in json.dumps(value, allow_nan=False):
                return value
        except (TypeError, ValueError):
            pass
        self.note(where, "'legend' must be a table of texts, numbers, lists and tables, without dates, nan or NUL.")
        return {}

    def _number(self, where: str, value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf:
            return float(value)
        self.note(where, f"'margin_m' must be a number of metres, not {value!r}.")
        return DEFAULT_MARGIN_M

    def _date(self, where: str, value: object) -> date | None:
        if type(value) is date and value.year >= FIRST_BUDDHIST_YEAR:
            self.note(where, f"'dated' is {value}, a year of the Buddhist era: say {value.year - 543}.")
            return None
        if value is None or type(value) is date:
            return value
        self.note(where, f"'dated' must be a date like 2026-01-31 without quotes, not {value!r}.")
        return None

    def _columns(self, where: str, value: object) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, dict):
            self.note(where, "'columns' must be a table { our_field = \"their column\" }.")
            return {}
        return {
            ours: (theirs,) if isinstance(theirs, str) else tuple(self._texts(where, f"columns.{ours}", theirs))
            for ours, theirs in value.items()
        }

    def _values(self, where: str, value: object) -> dict[str, dict[str, str]]:
        if isinstance(value, dict) and all(_is_of_texts(words) for words in value.values()):
            return value
        self.note(where, "'values' must be a table of tables: values.kind = { \"their word\" = \"our word\" }.")
        return {}

    def _centre(self, value: object) -> LonLat | None:
        if value is None:
            return None
        if not isinstance(value, dict) or not all(type(value.get(key)) in (int, float) for key in ("lon", "lat")):
            self.note("centre", "it must be written { lon = 100.0, lat = 8.3 }.")
            return None
        fault = coordinate_fault(lon=value["lon"], lat=value["lat"])
        if fault is not None:
            self.note("centre", fault)
            return None
        return LonLat(lon=float(value["lon"]), lat=float(value["lat"]))
