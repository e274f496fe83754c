// Shortcuts by the physical key, so that they work in the Russian layout, and never while somebody types.
import { onBeforeUnmount, onMounted } from "vue";
import { usePrefs } from "@/stores/prefs";

/** What answers `false` has not used the key: it does what it does elsewhere. */
export type Shortcuts = Record<string, (event: KeyboardEvent) => unknown>;

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element && (element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName));
}

/** Names: "KeyJ", "Shift+Slash", "Mod+KeyK" (Ctrl or Cmd; works while typing too), "KeyG KeyI" for two in a row. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const { prefs } = usePrefs();
  let first = "";
  let firstAt = 0;

  function listen(event: KeyboardEvent): void {
    if (event.isComposing || event.defaultPrevented) return;
    const mod = event.ctrlKey || event.metaKey;
    if (mod && event.code === "KeyZ" && isTyping(event.target)) return; // undoing what was typed is the field's own
    const name = (mod ? "Mod+" : "") + (event.shiftKey ? "Shift+" : "") + event.code;
    if (!mod && (isTyping(event.target) || !prefs.singleKeys || event.altKey || document.querySelector("[role=dialog], [role=menu]"))) return;
    const pair = Date.now() - firstAt < 1000 ? `${first} ${name}` : "";
    const run = shortcuts[pair] ?? shortcuts[name];
    first = name;
    firstAt = Date.now();
    if (!run) return;
    if (run(event) !== false) event.preventDefault();
  }
  onMounted(() => addEventListener("keydown", listen));
  onBeforeUnmount(() => removeEventListener("keydown", listen));
}
