"""Charts: where things stand is worked out here anew, then what screen and paper make of it."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from math import cos, dist, pi, sin
from operator import mul
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from pypdf import PdfReader
from reportlab.pdfgen.canvas import Canvas

from printing.paper_sheet import BOLD, TEXT, printable, width_of
from reports.chart import DASHES, TONE_COLOURS, draw, natural_height, outline, svg
from reports.chart_layout import lay_out
from reports.chart_parts import Drawing, Label, Mark, ticks
from reports.document import Chart, Series, Shape, Words
from tests.printing.invented import run

STATIC = Path(__file__).parents[2] / "app" / "static"
SVG = "{http://www.w3.org/2000/svg}"
DAYS = tuple(f"{day:02}/10/2026" for day in range(1, 32))
SITES = (
    "Ciudad de Guatemala, sede central",
    "Concepción Chiquirichapa, Quetzaltenango",
    "Los Ángeles, California, Estados Unidos de América",
    "Cobán",
)
SITES_40 = tuple(f"{SITES[at % 4]} {at}" for at in range(40))
TRAP = "<b>&amp; \"'ñ]]></title><script>x</script>"


def series(count: int, length: int, factor: int = 7) -> tuple[Series, ...]:
    """Series of uneven numbers, zeros among them."""
    return tuple(
        Series(f"Serie {place}", tuple((at * factor + 3 * place) * (at + 5) % 1300 for at in range(length)))
        for place in range(count)
    )


def chart(shape: Shape, categories: tuple[str, ...], count: int = 1, title: str = "Casos por mes") -> Chart:
    return Chart(title, shape, categories, series(count, len(categories)))


def numbered(shape: Shape, *values: int) -> Chart:
    return Chart("T", shape, tuple(f"c{at}" for at in range(len(values))), (Series("s", values),))


ALL = {
    f"{shape}-{name}": chart(shape, categories, count)
    for shape in Shape
    for name, categories, count in (
        ("3 days of 3 series", DAYS[:3], 3),
        ("31 days of 3 series", DAYS, 3),
        ("40 long names", SITES_40, 1),
        ("4 long names of 8 series", SITES, 8),
        ("one", ("Cobán",), 1),
        ("one of 9 series", ("Cobán",), 9),
        ("none", (), 1),
        ("365 days", tuple(map(str, range(365))), 2),
    )
} | {
    "large": Chart("T" * 200, Shape.BARS, ("a", "b"), (Series("s" * 200, (10**12, 1)), Series("t", (0, 5)))),
    "zero": Chart("T", Shape.BARS, ("a", "b"), (Series("s", (0, 0)),)),
    "no series": Chart("T", Shape.LINE, ("a", "b"), ()),
}
every_chart = pytest.mark.parametrize("drawn", ALL.values(), ids=ALL)


def laid_out(drawn: Chart, width: float = 533) -> Drawing:
    return lay_out(drawn, width, natural_height(drawn, width), Words().nothing)


def data(drawing: Drawing, kind: str) -> list:
    """Bars or marks that stand for numbers; those of the legend say nothing."""
    return [each for each in getattr(drawing, kind) if each.says]


def unit(drawing: Drawing, axis: str) -> tuple[float, float]:
    """Where zero is and the points of one, read from the first and last number along the scale."""
    scale = [label for label in drawing.labels if label.look == "pale"]
    first, last = scale[0], scale[-1]
    assert first.text == "0"
    place = getattr(last, axis) - getattr(first, axis)
    grid = next(rule for rule in drawing.rules if rule.axis)
    return (grid.start[1] if axis == "y" else grid.start[0]), place / int(last.text.replace(",", ""))


# ---- Geometry


def test_standing_bars_are_as_high_as_their_numbers_on_the_scale():
    drawing = laid_out(numbered(Shape.BARS, 900, 450, 1, 0, 1234))
    zero, one = unit(drawing, "y")
    found = {bar.says: bar for bar in data(drawing, "bars")}
    assert set(found) == {"c0: 900", "c1: 450", "c2: 1", "c4: 1,234"}  # nothing has no bar
    for bar, value in zip(found.values(), (900, 450, 1, 1234), strict=True):
        assert bar.height == pytest.approx(-value * one)
        assert bar.y + bar.height == pytest.approx(zero)
    assert len({round(bar.width, 6) for bar in found.values()}) == 1


def test_lying_bars_are_as_long_as_their_numbers_on_the_scale():
    drawing = laid_out(numbered(Shape.LYING, 90, 45, 7))
    zero, one = unit(drawing, "x")
    for bar, value in zip(data(drawing, "bars"), (90, 45, 7), strict=True):
        assert (bar.x, bar.width) == (pytest.approx(zero), pytest.approx(value * one))


@pytest.mark.parametrize(("shape", "axis"), [(Shape.BARS, "y"), (Shape.LYING, "x")])
def test_series_stack_without_gaps_up_to_their_sum(shape: Shape, axis: str):
    values = ((10, 0), (20, 7), (5, 3))
    drawn = Chart("T", shape, ("a", "b"), tuple(Series(f"s{at}", pair) for at, pair in enumerate(values)))
    drawing = laid_out(drawn)
    zero, one = unit(drawing, axis)
    for name, parts in (("a", (10, 20, 5)), ("b", (7, 3))):
        bars = [bar for bar in data(drawing, "bars") if bar.says.startswith(f"{name},")]
        ends = [zero]
        for bar, part in zip(bars, parts, strict=True):
            near, far = (bar.y + bar.height, bar.y) if axis == "y" else (bar.x, bar.x + bar.width)
            assert near == pytest.approx(ends[-1])
            assert far - near == pytest.approx(part * one)
            ends.append(far)
        assert ends[-1] - zero == pytest.approx(sum(parts) * one)
    assert [label.text for label in drawing.labels if label.look == "number"] == ["35", "10"]


def test_points_of_a_line_stand_at_their_numbers_and_at_even_steps():
    drawing = laid_out(numbered(Shape.LINE, 3, 0, 12, 7))
    zero, one = unit(drawing, "y")
    (curve,) = drawing.curves
    assert [y for _, y in curve.points] == pytest.approx([zero + value * one for value in (3, 0, 12, 7)])
    steps = [after[0] - before[0] for before, after in pairwise(curve.points)]
    assert steps == pytest.approx([steps[0]] * 3)
    assert [(mark.x, mark.y) for mark in data(drawing, "marks")] == list(curve.points)


def test_lines_of_several_series_share_a_scale_that_is_not_their_sum():
    drawing = laid_out(Chart("T", Shape.LINE, ("a",), (Series("s", (900,)), Series("t", (800,)))))
    assert max(int(label.text.replace(",", "")) for label in drawing.labels if label.look == "pale") == 1000


@pytest.mark.parametrize("most", [0, 1, 2, 3, 9, 10, 11, 49, 50, 51, 99, 101, 999, 12_345, 40_000, 10**9, 10**15 + 1])
def test_the_scale_has_few_round_steps_and_reaches_just_over_the_highest_number(most: int):
    for steps in (1, 2, 5, 6):
        scale = ticks(most, steps)
        (step,) = {after - before for before, after in pairwise(scale)}
        assert re.fullmatch("[125]0*", str(step))
        assert scale[0] == 0
        assert len(scale) - 1 <= steps
        assert scale[-1] - step < max(most, 1) <= scale[-1]


def test_numbers_have_the_commas_of_guatemala():
    drawing = laid_out(numbered(Shape.BARS, 1_234_567))
    assert {"0", "500,000", "1,000,000", "1,500,000", "1,234,567"} == {
        label.text for label in drawing.labels if label.look in ("pale", "number")
    }


def test_numbers_that_have_no_place_are_refused():
    with pytest.raises(ValueError, match="negative number of s"):
        laid_out(numbered(Shape.BARS, 3, -1))
    with pytest.raises(ValueError, match="2 numbers of s for 1 categories"):
        laid_out(Chart("T", Shape.LINE, ("a",), (Series("s", (1, 2)),)))


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")])
def test_a_chart_of_zeros_has_an_axis_and_says_that_there_is_nothing(shape: Shape, names: tuple[str, ...]):
    drawing = laid_out(Chart("T", shape, names, (Series("s", (0,) * len(names)),)))
    assert [label.text for label in drawing.labels].count(Words().nothing) == 1
    assert any(rule.axis for rule in drawing.rules)
    assert not data(drawing, "bars")
    assert {name for name in names} <= {label.text for label in drawing.labels}


def test_a_single_number_fills_most_of_the_scale_but_not_the_width():
    drawing = laid_out(numbered(Shape.BARS, 7))
    (bar,) = drawing.bars
    assert bar.width < 60
    assert bar.height > 0.5 * drawing.height


# ---- Texts


Quad = list[tuple[float, float]]


def box(label: Label) -> Quad:
    """The corners of a text, from a little below the base line to the height of its capitals."""
    wide = width_of(printable(label.text), label.size, BOLD if label.look == "title" else TEXT)
    left = {"start": 0.0, "middle": -wide / 2, "end": -wide}[label.anchor]
    turn = -pi / 4 if label.turned else 0.0
    corners = [(left, -0.75 * label.size), (left + wide, -0.75 * label.size), (left + wide, 0.2), (left, 0.2)]
    return [(label.x + x * cos(turn) - y * sin(turn), label.y + x * sin(turn) + y * cos(turn)) for x, y in corners]


def apart(one: Quad, other: Quad) -> bool:
    """Whether a line along a side of one of the rectangles separates them."""
    for corners in (one, other):
        for (x1, y1), (x2, y2) in pairwise(corners[:3]):
            normal = (y2 - y1, x1 - x2)
            first, second = ([x * normal[0] + y * normal[1] for x, y in quad] for quad in (one, other))
            if max(first) <= min(second) or max(second) <= min(first):
                return True
    return False


def test_the_check_of_overlaps_finds_them():
    assert not apart(box(Label(0, 0, "Cobán", 7)), box(Label(5, 2, "Cobán", 7)))
    assert apart(box(Label(0, 0, "Cobán", 7)), box(Label(0, 8, "Cobán", 7)))
    assert not apart(box(Label(0, 0, "Cobán", 7, turned=True)), box(Label(3, 0, "Cobán", 7, turned=True)))
    assert apart(box(Label(0, 0, "Cobán", 7, turned=True)), box(Label(12, 0, "Cobán", 7, turned=True)))


@every_chart
@pytest.mark.parametrize("width", [300, 348, 533, 713])
def test_no_text_touches_another_or_leaves_the_place(drawn: Chart, width: float):
    drawing = laid_out(drawn, width)
    boxes = [(label, box(label)) for label in drawing.labels if label.text != Words().nothing]
    for label, corners in boxes:
        assert all(-0.5 <= x <= width + 0.5 and -0.5 <= y <= drawing.height + 0.5 for x, y in corners), label
    for (one, first), (other, second) in combinations(boxes, 2):
        assert apart(first, second), (one, other)


@every_chart
def test_bars_lines_and_marks_stay_in_the_place(drawn: Chart):
    drawing = laid_out(drawn)
    places = [(bar.x, bar.y) for bar in drawing.bars]
    places += [(bar.x + bar.width, bar.y + bar.height) for bar in drawing.bars]
    places += [point for curve in drawing.curves for point in curve.points]
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in places)


def test_a_name_that_is_cut_keeps_the_whole_to_be_pointed_at():
    drawn = chart(Shape.LYING, SITES)
    cut = [label for label in laid_out(drawn, 348).labels if label.text.endswith("…")]
    assert {label.full for label in cut} <= set(SITES)
    assert cut
    for label in cut:
        assert f"{label.text}<title>{label.full}</title>" in svg(drawn, 348)


def test_days_of_a_line_stay_level_and_are_left_out_evenly_when_too_many():
    names = [label for label in laid_out(chart(Shape.LINE, DAYS)).labels if label.text in DAYS]
    assert not any(label.turned for label in names)
    steps = {DAYS.index(after.text) - DAYS.index(before.text) for before, after in pairwise(names)}
    assert len(steps) == 1
    assert 1 < steps.pop() < 10


def test_days_of_bars_are_turned_before_they_are_left_out():
    names = [label for label in laid_out(chart(Shape.BARS, DAYS, 3)).labels if label.text in DAYS]
    assert [label.text for label in names] == list(DAYS)
    assert all(label.turned for label in names)


def test_forty_lying_names_are_all_there():
    drawing = laid_out(chart(Shape.LYING, SITES_40))
    assert [label.full or label.text for label in drawing.labels if label.look == "name"] == list(SITES_40)


def test_a_legend_names_the_series_only_when_there_are_several():
    for count, shape in ((1, Shape.BARS), (4, Shape.BARS), (4, Shape.LINE)):
        drawing = laid_out(chart(shape, ("Enero", "Febrero"), count))
        named = [label.text for label in drawing.labels if label.text.startswith("Serie")]
        assert len(named) == (count if count > 1 else 0)
        keys = [each.tone for each in (drawing.bars + drawing.marks) if not each.says]
        assert keys == list(range(1, len(named) + 1))


def test_numbers_stand_on_the_bars_while_there_is_room():
    few, many = (laid_out(numbered(Shape.BARS, *range(count))) for count in (31, 90))
    assert sum(label.look == "number" for label in few.labels) == 31
    assert not any(label.look == "number" for label in many.labels)


# ---- The screen


def parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


@every_chart
def test_the_markup_is_xml_that_scales_and_that_the_page_policy_allows(drawn: Chart):
    root = parsed(svg(drawn))
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert re.fullmatch(r"0 0 560 [\d.]+", root.get("viewBox"))
    assert not {"width", "height"} & set(root.attrib)
    for element in root.iter():
        assert not [name for name in element.attrib if name in ("style", "id") or name.startswith("on")]
        assert element.tag.removeprefix(SVG) in {
            *("svg", "title", "desc", "line", "rect", "polyline", "polygon", "text"),
        }
    assert (root[0].tag, root[0].text) == (f"{SVG}title", drawn.title)


def test_the_numbers_are_told_in_words():
    told = parsed(svg(Chart("T", Shape.BARS, ("Enero", "Mayo"), (Series("A", (1234, 0)), Series("B", (5, 6))))))
    assert told.find(f"{SVG}desc").text == "Enero, A: 1,234; Mayo, A: 0; Enero, B: 5; Mayo, B: 6"
    single = parsed(svg(numbered(Shape.LINE, 1, 2)))
    assert single.find(f"{SVG}desc").text == "c0: 1; c1: 2"
    many = parsed(svg(Chart("T", Shape.LINE, DAYS, (Series("A", (40,) * 31), Series("B", (1,) * 31))), words=Words()))
    assert many.find(f"{SVG}desc").text == "A, Total: 1,240; B, Total: 31"


@pytest.mark.parametrize("shape", Shape)
def test_texts_are_never_markup_and_never_break_the_xml(shape: Shape):
    hostile = f"{TRAP}\x00\x07\ud800\n\t fin"
    root = parsed(svg(Chart(hostile, shape, (hostile, "b"), (Series(hostile, (1, 2)), Series("t", (3, 4))))))
    assert not list(root.iter(f"{SVG}script"))
    assert TRAP in root[0].text
    assert TRAP in root.find(f"{SVG}desc").text


def test_letters_that_the_paper_lacks_stay_on_the_screen():
    drawn = Chart("Poqomchiʼ", Shape.LYING, ("Qʼeqchiʼ 😀",), (Series("s", (1,)),))
    texts = [element.text for element in parsed(svg(drawn)).iter(f"{SVG}text")]
    assert {"Poqomchiʼ", "Qʼeqchiʼ 😀"} <= set(texts)


def test_bars_of_the_markup_are_those_of_the_layout():
    drawn = chart(Shape.BARS, DAYS, 3)
    found = [
        tuple(float(rect.get(name)) for name in ("x", "y", "width", "height"))
        for rect in parsed(svg(drawn, 560)).iter(f"{SVG}rect")
    ]
    expected = [(bar.x, bar.y, bar.width, bar.height) for bar in laid_out(drawn, 560).bars]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=0.006)


# ---- Colours


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of #rrggbb."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lightness(colour: str) -> float:
    """L* of CIELAB."""
    y = luminance(colour)
    return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27


def theme(dark: bool) -> dict[str, str]:
    """Colours of the site's tokens in a theme."""
    rules = re.findall(r"(:root|\[data-bs-theme=\"dark\"\]) \{(.*?)\}", (STATIC / "app.css").read_text(), re.DOTALL)
    block = next(body for name, body in rules if name.startswith("[") == dark)
    tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
    return {
        name: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:]) for name, value in tokens.items()
    }


def tones(dark: bool) -> list[tuple[str, str]]:
    """Surface and edge of each tone in charts.css."""
    prefix = r'\[data-bs-theme="dark"\] ' if dark else r"(?<!\] )"
    rule = prefix + r"\.chart-(\d) \{ --tone: (#\w{6}); --edge: (#\w{6}); \}"
    found = re.findall(rule, (STATIC / "charts.css").read_text())
    assert [number for number, _, _ in found] == list("12345678")
    return [(tone, edge) for _, tone, edge in found]


def test_screen_and_paper_have_the_same_colours():
    assert tones(dark=False) == [tuple(colours) for colours in TONE_COLOURS]


def luma(colour: str) -> float:
    """The grey, 0 to 100, that printers make of a colour (ITU-R BT.601)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 2.55


@pytest.mark.parametrize("grey", [lightness, luma])
def test_the_colours_stay_apart_in_grey_print_and_neighbours_most(grey: Callable[[str], float]):
    greys = [grey(colours.surface) for colours in TONE_COLOURS]
    assert min(after - before for before, after in pairwise(sorted(greys))) > 5
    assert min(abs(after - before) for before, after in pairwise(greys)) > 18


# Linear red, green and blue as seen without the red, the green or the blue cones (Machado and others, 2009).
BLINDNESS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def lab(colour: str, blindness: str) -> tuple[float, float, float]:
    """CIELAB of #rrggbb as somebody sees it."""
    seen = [min(1, max(0, sum(map(mul, row, linear(colour))))) for row in BLINDNESS[blindness]]
    x = (0.4124564 * seen[0] + 0.3575761 * seen[1] + 0.1804375 * seen[2]) / 0.95047
    y = 0.2126729 * seen[0] + 0.7151522 * seen[1] + 0.0721750 * seen[2]
    z = (0.0193339 * seen[0] + 0.1191920 * seen[1] + 0.9503041 * seen[2]) / 1.08883
    fx, fy, fz = (part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116 for part in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("dark", [False, True])
def test_the_colours_stay_apart_for_the_colour_blind(dark: bool, blindness: str):
    seen = [lab(surface, blindness) for surface, _ in tones(dark)]
    assert min(dist(one, other) for one, other in combinations(seen, 2)) > 10


@pytest.mark.parametrize("dark", [False, True])
def test_edges_stand_out_from_the_page_and_texts_are_readable(dark: bool):
    tokens = theme(dark)
    assert all(contrast(edge, tokens["surface"]) >= 3 for _, edge in tones(dark))
    assert min(contrast(tokens[ink], tokens["surface"]) for ink in ("ink", "ink-2")) >= 4.5


def test_lines_differ_in_dashes_and_marks_as_well():
    assert len(set(DASHES)) == 8
    shapes = {tuple((round(x, 3), round(y, 3)) for x, y in outline(Mark(0, 0, tone))) for tone in range(1, 9)}
    assert len(shapes) == 8


def test_the_page_needs_no_style_that_is_not_in_the_file():
    rules = (STATIC / "charts.css").read_text()
    used = {
        name for drawn in ALL.values() for group in re.findall('class="([^"]*)"', svg(drawn)) for name in group.split()
    }
    looks = {"chart-name"}  # as all texts
    assert used - looks <= set(re.findall(r"\.(chart[\w-]*)", rules))


# ---- Paper


def page_of(drawn: Chart, x: float = 40, y: float = 100, width: float = 500, height: float = 300) -> bytes:
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(612, 500), invariant=1, initialFontName=TEXT)
    draw(drawn, canvas, x, y, width, height)
    canvas.save()
    return target.getvalue()


def rendered(pdf: bytes) -> Image.Image:
    return Image.open(io.BytesIO(run("pdftoppm", "-r", "72", "-png", "-singlefile", "-", stdin=pdf))).convert("RGB")


@every_chart
def test_the_paper_has_the_same_texts_as_the_layout(drawn: Chart):
    read = "".join(PdfReader(io.BytesIO(page_of(drawn))).pages[0].extract_text().split())
    labels = lay_out(drawn, 500, 300, Words().nothing).labels
    for label in labels:
        assert "".join(printable(label.text).split())[:20] in read


@every_chart
def test_the_paper_stays_within_its_place(drawn: Chart):
    left, top, right, bottom = rendered(page_of(drawn)).point(lambda tone: 255 if tone < 200 else 0).getbbox()
    assert left >= 39
    assert right <= 541
    assert top >= 99
    assert bottom <= 401


def test_bars_on_paper_stand_where_the_layout_says():
    drawn = Chart("T", Shape.BARS, ("a", "b"), (Series("s", (30, 60)), Series("t", (20, 10))))
    image = rendered(page_of(drawn))
    for bar in lay_out(drawn, 500, 300, Words().nothing).bars:
        middle = (int(40 + bar.x + bar.width / 2), int(100 + bar.y + bar.height / 2))
        colour = TONE_COLOURS[bar.tone - 1].surface
        assert near(image.getpixel(middle), tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


def near(one: Sequence[int], other: Sequence[int]) -> bool:
    return all(abs(first - second) <= 3 for first, second in zip(one, other, strict=True))


def test_drawing_leaves_the_canvas_as_it_was():
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(612, 500), invariant=1, initialFontName=TEXT)
    draw(chart(Shape.LINE, DAYS, 3), canvas, 40, 300, 500, 150)
    canvas.rect(100, 50, 200, 100, stroke=0, fill=1)
    canvas.save()
    assert near(rendered(target.getvalue()).getpixel((200, 400)), (0, 0, 0))
