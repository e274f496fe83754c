"""The ugliest data: no page scrolls sideways, nothing one can press is cut off, at any width, in either language; nor when it is empty."""

import pytest
from playwright.async_api import Browser, Page

from tests import ugly
from tests.journeys.conftest import PASSWORD, Served, first_log_in

pytestmark = pytest.mark.journey
WIDTHS = ((1440, 900), (1024, 768), (390, 844))
PAGES = (
    "/tickets/open",
    "/people",
    "/organizations",
    "/board",
    "/search",
    "/search?q=example",
    "/setup/channels",
    "/setup/channels?add=web_form",
    "/setup/queues",
    "/setup/users",
    "/setup/quarantine",
    "/setup/spool",
    "/account",
)
# What can be scrolled sideways though nobody meant it to be, and what one presses that stands outside of what is seen.
FAULTS = """() => {
  const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join('.')}`;
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push(`the page is ${root.scrollWidth} wide`);
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  for (const element of document.querySelectorAll('body *')) {
    if (!visible(element)) continue;
    const style = getComputedStyle(element);
    const scrolls = ['auto', 'scroll'].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
    if (scrolls && !['TEXTAREA', 'PRE'].includes(element.tagName) && !element.closest('[data-scrolls]')) faults.push(`${name(element)} scrolls sideways: ${element.scrollWidth} in ${element.clientWidth}`);
  }
  for (const element of document.querySelectorAll('button, a, input, select, textarea')) {
    if (!visible(element) || element.closest('.visually-hidden, [data-scrolls]') || element.classList.contains('visually-hidden')) continue;
    const box = element.getBoundingClientRect();
    if (box.width && (box.right > innerWidth + 1 || box.left < -1)) faults.push(`${name(element)} “${element.innerText.slice(0, 30)}” stands from ${Math.round(box.left)} to ${Math.round(box.right)}`);
  }
  return faults.slice(0, 12);
}"""


async def faults_of(page: Page, where: str) -> list[str]:
    """What is wrong with the page as it stands now."""
    await page.wait_for_timeout(60)
    return [f"{where}: {fault}" for fault in await page.evaluate(FAULTS)]


async def every_page(page: Page, tickets: list[int], people: list[int]) -> list[str]:
    """Look at every page in every width."""
    found = []
    for path in [*PAGES, *(f"/tickets/all/{n}" for n in tickets), *(f"/people/{n}" for n in people)]:
        await page.goto(path)
        await page.locator("[data-entry]" if path.startswith("/tickets/all") else ".rail").first.wait_for()
        await page.wait_for_timeout(250)
        for width, height in WIDTHS:
            await page.set_viewport_size({"width": width, "height": height})
            found += await faults_of(page, f"{path} at {width}")
    return found


@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.long), "ru"])
async def test_the_ugliest_data_breaks_no_page(browser: Browser, served: Served, language: str) -> None:
    """Every page with 900-character subjects, sixty files, forty points and names without a blank."""
    page = await first_log_in(browser, served)
    await page.evaluate(f"localStorage.setItem('cc.prefs', JSON.stringify({{language: '{language}'}}))")
    await ugly.fill(served.url, served.mail_port, "ada@example.org", PASSWORD)
    listed = (await (await page.context.request.get("/api/v1/tickets?view=all&limit=100")).json())["items"]

    found = await every_page(page, [ticket["id"] for ticket in listed], [listed[0]["contact"]["id"], listed[-1]["contact"]["id"]])

    assert not found, "\n".join(found)


async def test_the_emptiest_database_breaks_no_page(browser: Browser, served: Served) -> None:
    """Every page before anybody wrote."""
    page = await first_log_in(browser, served)

    found = await every_page(page, [], [])

    assert not found, "\n".join(found)
