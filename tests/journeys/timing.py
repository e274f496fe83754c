"""How long a key takes until its result is drawn, measured inside the page: from the key's own event to the frame that shows it."""

from dataclasses import dataclass, field

from playwright.async_api import Page

WATCH = """
void (window.afterKey = (shown) => new Promise((done, fail) => {
  let pressed = 0;
  const until = performance.now() + 10000;
  const note = (event) => { if (!["Control", "Shift"].includes(event.key)) pressed = event.timeStamp; };
  addEventListener("keydown", note, true);
  const look = () => {
    if (pressed && shown()) {
      removeEventListener("keydown", note, true);
      requestAnimationFrame(() => done(performance.now() - pressed)); // by then that frame is drawn
    } else if (performance.now() > until) fail(new Error(`not shown within ten seconds: ${shown}`));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}));
"""


@dataclass
class Hands:
    """Somebody at the keyboard. A chord is one key, as in the table of docs/console.md; text that is written is not counted."""

    page: Page
    keys: list[str] = field(default_factory=list)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self.keys.append(key)
            await self.page.keyboard.press(key)

    async def write(self, text: str) -> None:
        """Write what somebody has to say."""
        await self.page.keyboard.type(text)

    async def last(self, key: str, shown: str) -> float:
        """Press the key that does it; milliseconds until `shown`, a JavaScript expression, holds in a drawn frame."""
        await self.page.evaluate(WATCH)
        await self.page.evaluate(f"void (window.waited = window.afterKey(() => {shown}))")
        await self.press(key)
        return float(await self.page.evaluate("window.waited"))
