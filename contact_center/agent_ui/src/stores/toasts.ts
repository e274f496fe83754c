// Short messages at the edge. They never take the focus.
import { defineStore } from "pinia";
import { ref } from "vue";
import { Problem } from "@/api/client";
import { worded } from "@/ui/problems";

export interface Toast {
  id: number;
  text: string;
  /** The technical words, in small. */
  small?: string;
  kind: "info" | "error";
  action?: { label: string; run: () => void };
  /** It came by itself: the key that undoes what one did passes it by. */
  news?: boolean;
  /** Milliseconds until it goes by itself. */
  lasts: number;
}

/** Something that is being told to the server, and the message that will offer to undo it. */
interface Deed {
  over: Promise<unknown>;
  toast: number | null;
}
export type Show = (text: string, options?: Partial<Omit<Toast, "id" | "text">>) => () => void;

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let last = 0;
  const offline: (() => void)[] = [];
  const doing: Deed[] = [];
  let undoing = false;

  function add(text: string, options: Partial<Omit<Toast, "id" | "text">>): Toast {
    const toast: Toast = { id: ++last, text, kind: "info", lasts: 5000, ...options };
    toasts.value = [...toasts.value.slice(-3), toast];
    setTimeout(() => dismiss(toast.id), toast.lasts);
    return toast;
  }

  function show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): () => void {
    const { id } = add(text, options);
    return () => dismiss(id);
  }

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  /** Do something of which the server is told, and which shows by itself how it is undone. Whoever undoes meanwhile means this, and not what they did before it. */
  function during<T>(run: (show: Show) => Promise<T>): Promise<T> {
    const deed: Deed = { over: Promise.resolve(), toast: null };
    const mine = run((text, options = {}) => {
      const { id } = add(text, options);
      deed.toast = id;
      return () => dismiss(id);
    });
    deed.over = mine;
    doing.push(deed);
    const over = () => void doing.splice(doing.indexOf(deed), 1);
    mine.then(over, over);
    return mine;
  }

  /** Undo what is still being told to the server, when it has been; nothing where it turns out that it cannot be undone. */
  async function actAfter(deed: Deed): Promise<void> {
    undoing = true;
    await deed.over.catch(() => undefined);
    undoing = false;
    const offer = toasts.value.find((toast) => toast.id === deed.toast);
    offer?.action?.run();
    if (offer) dismiss(offer.id);
  }

  /** Do what the latest message of what one did offers: mostly, undo. False when none offers anything. */
  function act(): boolean {
    const deed = doing.at(-1);
    if (undoing) return true;
    if (deed) return void actAfter(deed), true;
    const offer = toasts.value.findLast((toast) => toast.action && !toast.news);
    if (!offer) return false;
    offer.action!.run();
    dismiss(offer.id);
    return true;
  }

  function failed(error: unknown): void {
    const { text, small } = worded(error);
    const away = error instanceof Problem && error.code === "offline";
    if (away) online(); // said once, not once for each thing that was tried
    const dismissThis = show(text, { small, kind: "error", lasts: 9000 });
    if (away) offline.push(dismissThis);
  }

  /** The connection is back: that it was lost is no news any more. */
  function online(): void {
    for (const gone of offline.splice(0)) gone();
  }

  return { toasts, show, dismiss, during, act, failed, online };
});
