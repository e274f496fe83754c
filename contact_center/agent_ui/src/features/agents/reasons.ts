// Contact reasons as people read them: the whole path, and only what may be chosen.
import { computed } from "vue";
import type { ContactReason } from "@/contract/types";
import { useLive } from "@/stores/live";

export function pathOf(reasons: ContactReason[], id: number | null | undefined): string {
  const known = new Map(reasons.map((reason) => [reason.id, reason]));
  const names: string[] = [];
  for (let at = id; at != null && names.length < 5; at = known.get(at)?.parent_id) names.unshift(known.get(at)?.name ?? "…");
  return names.join(" › ");
}

export function useReasons() {
  const live = useLive();
  const options = computed(() => {
    const all = live.state.contactReasons;
    const known = new Map(all.map((reason) => [reason.id, reason]));
    const usable = (reason: ContactReason | undefined): boolean => !!reason && !reason.retired && (reason.parent_id == null || usable(known.get(reason.parent_id)));
    return all.filter(usable).map((reason) => ({ value: reason.id, label: pathOf(all, reason.id) })).sort((a, b) => a.label.localeCompare(b.label));
  });
  const dispositions = computed(() => live.state.dispositions.filter((each) => !each.retired).map((each) => ({ value: each.id, label: each.name })));
  const word = (id: number | null | undefined) => pathOf(live.state.contactReasons, id);
  const came = (id: number | null | undefined) => live.state.dispositions.find((each) => each.id === id)?.name ?? "";
  return { options, dispositions, word, came };
}
