// States of agents in words, and what one can do about one's own.
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { api, ask } from "@/api/client";
import type { AgentNow } from "@/contract/types";
import { useLive } from "@/stores/live";
import { useToasts } from "@/stores/toasts";

let wished = ""; // the state that this person asked for last, here

type Chosen = "available" | "aux" | "offline";

export function useShift() {
  const live = useLive();
  const toasts = useToasts();
  const { t, te } = useI18n();

  const mine = computed(() => live.state.agents[live.me?.user.id ?? 0] ?? null);
  const codes = computed(() => live.state.auxCodes.filter((code) => !code.retired));
  /** One has something in hand: a turn that one took, or an offer. */
  const busy = computed(() => {
    const me = live.me?.user.id;
    return Object.values(live.state.offers).some((offer) => offer.agent_id === me) || Object.values(live.state.tickets).some((ticket) => ticket.assignee_id === me && !!ticket.waiting_since);
  });
  const choices = computed(() => [
    { value: "available", label: t("shift.state.available") },
    ...(codes.value.length ? codes.value.map((code) => ({ value: `aux:${code.id}`, label: code.name })) : [{ value: "aux", label: t("shift.state.aux") }]),
    { value: "offline", label: t("shift.state.offline") },
  ]);

  function wordOf(state: string, codeId: number | null): string {
    const code = codeId === null ? undefined : live.state.auxCodes.find((each) => each.id === codeId);
    return code?.name ?? t(`shift.state.${state}`);
  }
  function word(agent: AgentNow | null): string {
    return agent ? wordOf(agent.state, agent.code_id ?? null) : t("shift.state.offline");
  }
  function keyOf(agent: AgentNow | null): string {
    if (!agent) return "offline";
    return agent.code_id ? `${agent.state}:${agent.code_id}` : agent.state;
  }

  /** A line for each kind of channel there is: whether work of it is offered. */
  const channelsOf = (agent: AgentNow | null, word: string) =>
    [...new Set(Object.values(live.state.channels).map((channel) => channel.kind))].sort().map((kind) => ({ value: `channel:${kind}`, label: t(word, { channel: te(`kind.${kind}`) ? t(`kind.${kind}`) : kind }), checked: !agent?.channels_off.includes(kind), keep: true }));

  async function toggleChannel(kind: string, userId?: number): Promise<void> {
    const off = (userId === undefined ? mine.value : live.state.agents[userId])?.channels_off ?? [];
    const body = { channels: off.includes(kind) ? off.filter((each) => each !== kind) : [...off, kind] };
    await (userId === undefined ? ask(api.PUT("/api/v1/me/channels-off", { body })) : ask(api.PUT("/api/v1/agents/{user_id}/channels-off", { params: { path: { user_id: userId } }, body })));
  }

  /** "available", "aux:3", "offline", each with ":later" when it is to begin after the work in hand. */
  async function choose(key: string, userId?: number): Promise<void> {
    const [state, ...rest] = key.split(":") as [Chosen, ...string[]];
    if (key.startsWith("channel:")) return toggleChannel(key.slice(8), userId).catch((error: unknown) => void toasts.failed(error));
    if (userId === undefined) wished = state;
    const body = { state, code_id: Number(rest[0]) || null, after_work: rest.includes("later") };
    try {
      if (userId === undefined) await ask(api.PUT("/api/v1/me/state", { body }));
      else await ask(api.PUT("/api/v1/agents/{user_id}/state", { params: { path: { user_id: userId } }, body }));
    } catch (error) {
      toasts.failed(error);
    }
  }
  return { chosen: (state: string) => wished === state, mine, busy, choices, channelsOf, word, wordOf, keyOf, choose: (key: string) => choose(key), chooseFor: (userId: number, key: string) => choose(key, userId) };
}
