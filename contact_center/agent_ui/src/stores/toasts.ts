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

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let last = 0;
  const offline: (() => void)[] = [];
  const doing = new Set<Promise<unknown>>();

  function show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): () => void {
    const toast: Toast = { id: ++last, text, kind: "info", lasts: 5000, ...options };
    toasts.value = [...toasts.value.slice(-3), toast];
    const timer = setTimeout(() => dismiss(toast.id), toast.lasts);
    return () => (clearTimeout(timer), dismiss(toast.id));
  }

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  /** Something that is being told to the server and will offer to be undone. Whoever undoes meanwhile means this, and not what they did before it. */
  function during<T>(deed: Promise<T>): Promise<T> {
    doing.add(deed);
    const over = () => void doing.delete(deed);
    deed.then(over, over);
    return deed;
  }

  /** Do what the latest message of what one did offers: mostly, undo. False when none offers anything. */
  function act(): boolean {
    if (doing.size) return void Promise.allSettled(doing).then(() => setTimeout(act)), true;
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
