"""The page in a real browser, from disk: what a person clicks, types and sees."""

import runpy
from pathlib import Path

import pytest

SHARED = runpy.run_path(str(Path(__file__).with_name("site_browser.py")))
HOSTILE, playwright = SHARED["HOSTILE"], SHARED["playwright"]
BICUBIC, EDSR = "bicubic x2, not trained", "EDSR baseline x2, DIV2K, authors"
browser, site, opened = SHARED["browser"], SHARED["site"], SHARED["opened"]


def column(page, section, place):
    return page.locator(f"#{section} tbody tr > :nth-child({place})").all_inner_texts()


def test_clicking_and_typing_sort(opened):
    page = opened()
    head = page.locator("#leaderboard thead th").nth(1)
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, "leaderboard", 2) == ["33.06", "32.06", "31.06"]
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, "leaderboard", 2) == ["31.06", "32.06", "33.06"]
    head.locator("button").press("Enter")
    assert column(page, "leaderboard", 2) == ["33.06", "32.06", "31.06"]


def test_best_is_bold_per_scale(opened):
    page = opened()
    page.locator("#leaderboard").get_by_label("scale", exact=True).select_option("all")
    assert page.locator("#leaderboard .block > .caption").all_inner_texts() == ["x2", "x3"]
    best = page.locator("#leaderboard .best").all_inner_texts()
    assert best == ["33.06", "0.8265"]  # at x3 there is one run, and so no best


def test_the_second_is_underlined_and_the_tables_dagger_is_said(opened):
    page = opened("plain")
    board = page.locator("#leaderboard")
    assert board.locator(".second").all_inner_texts() == ["32.06†", "0.8015"]
    said = board.locator(".second").first.get_attribute("aria-label")
    assert said.startswith("32.06, second, not significantly worse than the best of all: PSNR")
    board.get_by_label("search").fill("srcnn")  # one run: nothing is best, nor second
    assert board.locator(".best, .second").count() == 0 and board.locator(".dagger").count() == 1


def test_of_a_distance_the_least_is_best(opened):
    page = opened("distances")
    page.locator("#leaderboard").get_by_label("metrics").select_option("all")
    assert page.locator("#leaderboard .best").all_inner_texts() == ["33.06", "0.7765"]


def test_filters_leave_what_they_say(opened):
    page = opened()
    board = page.locator("#leaderboard")
    board.get_by_label("metrics").select_option("psnr")
    assert board.locator("thead th").all_inner_texts() == ["method, trained on, by", "Set5 PSNR"]
    board.get_by_label("trained on").select_option("T91")
    assert column(page, "leaderboard", 2) == ["32.06"]
    board.get_by_label("trained on").select_option("")
    board.get_by_label("method", exact=True).select_option("bicubic")
    assert column(page, "leaderboard", 2) == ["31.06"]
    board.get_by_label("method", exact=True).select_option("")
    board.get_by_label("Set5", exact=True).uncheck()
    assert "No run is left" in board.locator(".notice").first.inner_text()


def test_one_protocol_a_view_with_its_signature(opened):
    page = opened()
    for protocol in ("edsr-2017", "srcnn-2015"):
        page.locator("#leaderboard").get_by_label("protocol").select_option(protocol)
        signature = page.locator("#leaderboard .signature").inner_text()
        assert signature.startswith(f"Signature protocol:{protocol}|")


def test_arrow_keys_reach_every_number_and_escape_closes(opened):
    page = opened()
    page.locator("#leaderboard .cell").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.innerText") == "0.8015"
    page.keyboard.press("Enter")
    assert page.locator("#drill").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#drill").is_hidden()
    assert page.evaluate("document.activeElement.innerText") == "0.8015"


def test_drill_down_leads_into_the_viewer(opened):
    page = opened()
    page.locator("#leaderboard").get_by_label("protocol").select_option("edsr-2017")
    page.locator("#leaderboard .cell").first.click()
    assert column(page, "drill", 2) == ["32.0000", "34.1234"]
    assert column(page, "drill", 3) == ["30.0000", "32.1234"]
    assert column(page, "drill", 4) == ["+2.00", "+2.00"]
    page.get_by_label("view colour").click()
    assert page.locator("#drill").is_hidden()
    assert page.locator("#viewer .tag").all_inner_texts() == [BICUBIC, EDSR]
    assert f"{BICUBIC}: 30.00 dB / 0.7500" in page.locator("#viewer .scores").inner_text()


def test_hostile_names_stay_text(opened):
    page = opened()
    page.locator("#leaderboard .run").nth(1).click()
    assert page.locator("#drill .facts code").inner_text() == HOSTILE
    page.keyboard.press("Escape")
    without = page.locator("#leaderboard details")
    assert without.locator("summary").inner_text() == "3 runs have no scores"
    assert without.locator("li").all_inner_texts() == [
        "no weights: mdsr-<b>, mdsr-c",
        "no file: srcnn-a",
    ]
    page.locator("#ledger summary").nth(1).click()
    page.locator("#ledger").get_by_text("a <b>doubt</b>").first.wait_for()
    assert page.locator("b, i").count() == 0


def test_ledger_filters(opened):
    page = opened()
    ledger = page.locator("#ledger")
    assert ledger.locator("summary").all_inner_texts() == [
        "paper 1 reproduced",
        "readme 1 differs",
    ]
    assert ledger.locator("tbody").count() == 0  # folded, and not made yet
    ledger.get_by_label("not run").check()
    assert ledger.locator("summary").nth(1).inner_text() == "readme 1 differs, 1 not run"
    ledger.locator("summary").nth(1).click()
    # The rows are made when it opens.
    playwright.expect(ledger.locator("tbody tr")).to_have_count(2)
    ledger.get_by_label("source").select_option("paper")  # alone, so it opens
    assert column(page, "ledger", 5) == ["31.06"] and column(page, "ledger", 6) == ["31.0617"]
    assert "table 2" in ledger.inner_text()
    assert ledger.locator("code").inner_text() == "sr-bench reproduce paper --dataset Set5"
    ledger.get_by_label("source").select_option("")
    ledger.get_by_label("method").select_option("edsr")
    assert ledger.locator("tbody tr").count() == 1


def test_plot_draws_its_front_and_tells_each_point(opened):
    page = opened()
    points = page.locator("#speed .point")
    assert points.count() == 3
    points.nth(1).focus()
    tip = page.locator("#speed .tip").inner_text()
    assert tip == f"{EDSR}: 33.06 dB at 0.1 s, on the Pareto front"
    page.locator("#speed").get_by_label("cost", exact=True).select_option("params")
    assert points.count() == 2  # bicubic has no parameters
    assert page.locator("#speed").get_by_label("place").is_hidden()  # of no one machine
    assert "not drawn: bicubic" in page.locator("#speed .notice").inner_text()


def test_plot_begins_with_the_place_that_timed_most_runs(opened):
    places = opened().locator("#speed").get_by_label("place").locator("option").all_inner_texts()
    assert places == ["one, cpu-1", "two, cpu-1", "few, cpu-1"]  # timings.csv begins with few


def test_no_timings_and_no_images_are_said(opened):
    page = opened("plain")
    assert "No timings yet" in page.locator("#speed .notice").inner_text()
    assert "without images" in page.locator("#viewer .notice").inner_text()
    text = page.locator("body").inner_text()
    assert not any(word in text for word in ("null", "undefined", "NaN", "[object"))


def stage(page):
    page.evaluate("location.hash = '#view=Set5/colour/2/bicubic-x2/edsr-x2'")
    view = page.locator("#viewer .stage")
    view.focus()
    return view


def zoom(page):
    return float(page.locator("#viewer .zoom").inner_text().rstrip(" %"))


def sheets(page):
    return page.locator("#viewer .sheet").evaluate_all("nodes => nodes.map(n => n.style.transform)")


def test_viewer_by_keyboard(opened):
    page = opened()
    view = stage(page)
    page.keyboard.press("1")
    assert zoom(page) == 100
    for _ in range(4):
        page.keyboard.press("+")
    assert zoom(page) == 1600
    for _ in range(4):
        page.keyboard.press("]")
    assert page.get_by_label("bar between").input_value() == "70"
    page.keyboard.press("s")
    assert page.locator("#viewer .tag").all_inner_texts() == [EDSR, BICUBIC]
    page.keyboard.press("d")
    assert view.get_attribute("data-mode") == "difference"
    assert len(set(sheets(page))) == 1


def test_viewer_by_mouse(opened):
    page = opened(reduced_motion="reduce")
    view = stage(page)
    box = view.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 4, y, steps=3)
    page.mouse.up()
    assert page.get_by_label("bar between").input_value() == "75"
    fit = zoom(page)
    page.get_by_label("one pixel to one").click()
    view.focus()
    view.hover()
    page.mouse.wheel(0, -480)
    playwright.expect(page.locator("#viewer .zoom")).to_have_text("400 %")
    assert fit != 400 and len(set(sheets(page))) == 1


def pixel(page, view):
    """The colour of a pixel right of the middle, as the browser painted it."""
    from io import BytesIO

    from PIL import Image

    shot = Image.open(BytesIO(view.screenshot())).convert("RGB")
    return shot.getpixel((shot.width * 5 // 8, shot.height // 4))


def test_difference_is_of_pixels_and_brightened(opened):
    page = opened()
    view = stage(page)
    page.locator("#viewer .sheet img").first.evaluate("node => node.decode()")
    assert pixel(page, view) == (200, 200, 200)  # edsr-x2, right of the bar
    page.keyboard.press("d")
    assert pixel(page, view) == (80, 80, 80)  # |210 - 200| x 8


def test_a_missing_image_is_said(opened):
    page = opened(missing=True)
    page.evaluate("location.hash = '#view=Set5/gray/2/bicubic-x2/edsr-x2'")
    page.locator("#viewer .missing").first.wait_for()
    shown = page.locator("#viewer .missing").first.inner_text()
    assert shown == "images/Set5/gray/bicubic-x2.png is not beside this page."


def test_links_lead_to_sections(opened):
    page = opened()
    targets = page.locator("nav a").evaluate_all("nodes => nodes.map(n => n.hash)")
    assert targets == ["#leaderboard", "#viewer", "#speed", "#ledger", "#yours"]
    assert all(page.locator(f"section{target}").count() == 1 for target in targets)


def test_phone_has_no_sideways_scroll(opened):
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator("#leaderboard .cell").first.tap()
    assert page.locator("#drill").bounding_box()["width"] <= 360


BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_dark_mode_follows_the_system_and_the_button(opened):
    page = opened(color_scheme="dark")
    dark = page.evaluate(BACKGROUND)
    assert dark != "rgb(255, 255, 255)"
    page.locator("#theme").click()
    assert page.evaluate(BACKGROUND) == "rgb(255, 255, 255)"
    page.locator("#theme").click()
    assert page.evaluate(BACKGROUND) == dark


CONTRAST = """() => {
  const light = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (n) => { const c = getComputedStyle(n).backgroundColor;
    return c.endsWith(", 0)") ? behind(n.parentElement) : c; };
  return Math.min(...[...document.querySelectorAll("main *, header *, footer *")]
    .filter((n) => !n.closest("svg, .stage"))
    .filter((n) => [...n.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
    .map((n) => [light(getComputedStyle(n).color), light(behind(n))].sort((a, b) => b - a))
    .map(([a, b]) => (a + 0.05) / (b + 0.05)));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(opened, scheme):
    assert opened(color_scheme=scheme).evaluate(CONTRAST) >= 4.5


def test_reduced_motion_stops_smooth_scrolling(opened):
    page = opened(reduced_motion="reduce")
    style = "getComputedStyle(document.documentElement).scrollBehavior"
    assert page.evaluate(style) == "auto"
