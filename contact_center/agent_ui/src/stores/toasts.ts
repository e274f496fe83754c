// Short messages at the edge. They never take the focus.
import { defineStore } from "pinia";
import { ref } from "vue";

export interface Toast {
  id: number;
  text: string;
  kind: "info" | "error";
  action?: { label: string; run: () => void };
  /** Milliseconds until it goes by itself. */
  lasts: number;
}

export const useToasts = defineStore("toasts", () => {
  const toasts = ref<Toast[]>([]);
  let last = 0;

  function show(text: string, options: Partial<Omit<Toast, "id" | "text">> = {}): () => void {
    const toast: Toast = { id: ++last, text, kind: "info", lasts: 5000, ...options };
    toasts.value = [...toasts.value.slice(-3), toast];
    const timer = setTimeout(() => dismiss(toast.id), toast.lasts);
    return () => (clearTimeout(timer), dismiss(toast.id));
  }

  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
  }

  /** Do what the latest message offers: mostly, undo. False when none offers anything. */
  function act(): boolean {
    const offer = toasts.value.findLast((toast) => toast.action);
    if (!offer) return false;
    offer.action!.run();
    dismiss(offer.id);
    return true;
  }

  function failed(error: unknown): void {
    show(error instanceof Error ? error.message : String(error), { kind: "error", lasts: 9000 });
  }

  return { toasts, show, dismiss, act, failed };
});
