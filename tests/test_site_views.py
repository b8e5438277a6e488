"""The page in a real browser: addresses, copies, print, no script, many rows, accessibility."""

import json
import re
import runpy
from pathlib import Path

import pytest

SHARED = runpy.run_path(str(Path(__file__).with_name("site_browser.py")))
HOSTILE, playwright = SHARED["HOSTILE"], SHARED["playwright"]
browser, site, opened = SHARED["browser"], SHARED["site"], SHARED["opened"]


def column(page, section, place):
    return page.locator(f"#{section} tbody tr > :nth-child({place})").all_inner_texts()


def test_search_finds_by_every_word(opened):
    page = opened()
    page.locator("#leaderboard").get_by_label("search").fill("t91 srcnn")
    assert column(page, "leaderboard", 2) == ["32.06"]
    page.locator("#leaderboard").get_by_label("search").fill("t91 edsr")
    assert "No run is left" in page.locator("#leaderboard .notice").first.inner_text()


def test_an_address_restores_what_was_seen(opened, site):
    page = opened()
    board, ledger = page.locator("#leaderboard"), page.locator("#ledger")
    board.get_by_label("protocol").select_option("edsr-2017")
    board.get_by_label("metrics").select_option("psnr")
    board.get_by_label("search").fill("srcnn")
    board.locator("thead button").nth(1).click()
    ledger.get_by_label("not run").check()
    ledger.get_by_label("dataset").select_option("Set5")
    page.locator("#theme").click()
    address = page.evaluate("location.href")
    page.goto("about:blank")
    page.goto(address)
    assert board.get_by_label("search").input_value() == "srcnn"
    assert board.locator("thead th").nth(1).get_attribute("aria-sort") == "ascending"
    assert "protocol:edsr-2017|" in board.locator(".signature").inner_text()
    assert column(page, "leaderboard", 2) == ["32.06"]
    assert ledger.get_by_label("not run").is_checked()
    assert page.locator("html").get_attribute("data-theme") == "light"


def test_back_and_a_changed_address_draw_again(opened):
    page = opened()
    page.evaluate("location.hash = '#scale=3'")
    playwright.expect(page.locator("#leaderboard .block > .caption")).to_have_text("x3")
    page.go_back()
    playwright.expect(page.locator("#leaderboard .block > .caption")).to_have_text("x2")


def test_a_name_opens_paper_numbers_and_rows_to_copy(opened):
    page = opened()
    page.locator("#leaderboard .run").nth(1).click()
    drill = page.locator("#drill")
    assert drill.get_by_text("doi:10.1109/TPAMI").get_attribute("href").startswith("https://doi")
    for summary in drill.locator("summary").all():
        summary.click()
    csv, tex = drill.locator("pre").nth(0), drill.locator("pre").nth(1)
    header, first = csv.inner_text().splitlines()[:2]
    assert header == "run,dataset,protocol,metric,value,signature"
    assert first.startswith('"srcnn-</script>') and '""' in first  # a quote, doubled
    assert "SRCNN 9-1-5 & T91 & authors & 32.06" in tex.inner_text()


def test_a_number_without_pictures_says_why(opened):
    page = opened()
    page.locator("#leaderboard .cell").first.click()
    assert "made under edsr-2017" in page.locator("#drill .notice").inner_text()
    assert page.locator("#drill").get_by_text("colour").count() == 2  # its pictures, all the same
    page.keyboard.press("Escape")
    plain = opened("plain")
    plain.locator("#leaderboard .cell").first.click()
    assert "written without images" in plain.locator("#drill .notice").inner_text()


def test_a_mark_of_the_plot_opens_its_run(opened):
    page = opened()
    page.locator("#speed .point").first.click()
    assert page.locator("#drill h2").inner_text() == "bicubic x2, not trained"
    page.keyboard.press("Escape")
    page.locator("#speed .point").nth(1).press("Enter")
    assert page.locator("#drill h2").inner_text().startswith("EDSR baseline x2")


def test_no_two_rows_of_a_table_look_equal(opened):
    page = opened()
    names = column(page, "leaderboard", 1)
    assert len(set(names)) == len(names) == 3


def test_without_a_script_the_tables_are_there(opened):
    page = opened(java_script_enabled=False)
    assert page.locator("noscript table").count() == 2
    assert "33.06" in page.locator("noscript").inner_text()


def test_print_shows_the_whole_table_and_no_controls(opened):
    page = opened()
    page.emulate_media(media="print")
    assert page.locator("#leaderboard .controls").is_hidden()
    assert page.locator("#viewer").is_hidden()
    assert page.locator(".scroll").first.evaluate("n => getComputedStyle(n).overflowX") == "visible"
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(opened, scheme, width):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page.locator("#ledger summary").first.click()

    def violations():
        return [v["id"] for v in axe.Axe().run(page).response["violations"]]

    assert violations() == []
    for opener in (".run", ".cell"):
        page.locator(f"#leaderboard {opener}").first.click()
        assert violations() == []
        page.keyboard.press("Escape")


def many(text, rows):
    """The page's text with ``rows`` runs in place of its own."""
    found = re.search(r'(id="data">)(.*?)(</script>)', text, re.S)
    data = json.loads(found[2])
    cells = [cell for cell in data["cells"] if cell[0] == 0]
    run = data["runs"][0]
    data["runs"] = [{**run, "name": f"r{i}", "short": f"Method {i}"} for i in range(rows)]
    data["cells"] = [[i, *c[1:4], c[4] + i / 100, c[5]] for i in range(rows) for c in cells]
    made = json.dumps(data).replace("<", "\\u003c")
    return text[: found.start(2)] + made + text[found.end(2) :]


def test_many_rows_are_shown_a_page_at_a_time(opened, site):
    (site / "many").mkdir(exist_ok=True)
    text = (site / "plain/index.html").read_text()
    (site / "many/index.html").write_text(many(text, 120))
    page = opened("many")
    board = page.locator("#leaderboard")
    assert board.locator("tbody tr").count() == 50
    board.get_by_role("button", name="Next").click()
    board.get_by_role("button", name="Next").click()
    assert board.locator("tbody tr").count() == 20
    assert board.get_by_role("button", name="Next").is_disabled()
    assert "rows 101 to 120 of 120" in board.locator(".pager").inner_text()
    board.locator("thead button").nth(1).click()  # sorts all rows, not the page
    assert board.locator("tbody .name").first.inner_text() == "Method 0"
