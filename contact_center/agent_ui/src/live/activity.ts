// Whether this console is in use: seen, with the focus, and touched within a minute. Only such time counts as handling.
const IDLE = 60_000;
const LOOK = 5_000;
const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "input", "scroll"];

/** Calls `changed` whenever the console begins or ceases to be in use; returns what ends the watch. */
export function watchActivity(changed: (active: boolean) => void): () => void {
  let touched = Date.now();
  let active = false;

  function look(): void {
    const now = document.visibilityState === "visible" && document.hasFocus() && Date.now() - touched < IDLE;
    if (now !== active) changed((active = now));
  }
  function touch(): void {
    touched = Date.now();
    if (!active) look();
  }
  const ticking = setInterval(look, LOOK);
  for (const name of TOUCHES) addEventListener(name, touch, { passive: true, capture: true });
  for (const name of ["focus", "blur"]) addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    clearInterval(ticking);
    for (const name of TOUCHES) removeEventListener(name, touch, { capture: true });
    for (const name of ["focus", "blur"]) removeEventListener(name, look);
    document.removeEventListener("visibilitychange", look);
  };
}
