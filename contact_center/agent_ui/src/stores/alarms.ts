// What should worry somebody although the connection works: a channel that fell silent, items the source holds and we do
// not, items that nobody could read. Asked anew when news tell of it, and every minute.
import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";
import { useI18n } from "vue-i18n";
import { api, ask } from "@/api/client";
import type { Alarm, Channel } from "@/contract/types";
import { useLive } from "@/stores/live";
import { useFormat } from "@/ui/format";

const EVERY = 60_000;
const SPREAD = 2_000; // consoles that hear the same news do not all ask in the same instant
const BROKEN = ["unavailable", "auth_failed", "misconfigured"];

export const useAlarms = defineStore("alarms", () => {
  const live = useLive();
  const format = useFormat();
  const { t } = useI18n();
  const found = ref<Record<number, Alarm>>({});
  /** Counts up when figures may have changed; pages that show more of them ask again. */
  const stamp = ref(0);
  let soon: ReturnType<typeof setTimeout> | undefined;

  async function refresh(): Promise<void> {
    clearTimeout(soon);
    soon = undefined;
    if (!live.me || document.hidden) return;
    try {
      const alarms = await ask(api.GET("/api/v1/alarms"));
      found.value = Object.fromEntries(alarms.map((alarm) => [alarm.account_id, alarm]));
      stamp.value += 1;
    } catch {
      // The line says when the server is away; the next minute asks again.
    }
  }

  const isNews = (type: string) => type.startsWith("raw_item.") || type === "channel.changed";
  watch(() => live.latest, (news) => {
    if (soon === undefined && news.some(({ type }) => isNews(type))) soon = setTimeout(refresh, 300 + Math.random() * SPREAD);
  });
  watch(() => live.me?.user.id, (id) => (id ? void refresh() : (found.value = {})), { immediate: true });
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", () => void refresh());

  /** What is wrong with a channel, each in a few words; nothing when all is well. */
  function troubles(channel: Channel): string[] {
    const { missing = 0, quarantined = 0 } = found.value[channel.id] ?? {};
    return [
      channel.enabled && BROKEN.includes(channel.health) ? t(`setup.health.${channel.health}`) : "",
      channel.enabled && channel.silent_since ? t("books.silent", { time: format.value.span(channel.silent_since) }) : "",
      missing ? t("books.missing", { n: missing }, missing) : "",
      quarantined ? t("books.quarantined", { n: quarantined }, quarantined) : "",
    ].filter(Boolean);
  }
  /** A channel of a confidential queue is nobody else's worry. */
  function concerns(channel: Channel): boolean {
    return !live.state.queues[channel.queue_id]?.confidential || works(channel);
  }
  /** Whether I work in this channel's queue. */
  function works(channel: Channel | undefined): boolean {
    const user = live.me?.user;
    return !!channel && (user?.role === "admin" || !!user?.queue_ids.includes(channel.queue_id));
  }
  const troubled = computed(() => Object.values(live.state.channels).filter(concerns).map((channel) => ({ channel, words: troubles(channel) })).filter(({ words }) => words.length));
  const broken = computed(() => troubled.value.some(({ channel }) => channel.enabled && BROKEN.includes(channel.health)));

  /** How much waits in quarantine for me: in the queues I work in. */
  const mine = computed(() => Object.values(found.value).reduce((sum, alarm) => sum + (works(live.state.channels[alarm.account_id]) ? alarm.quarantined : 0), 0));

  return { found, stamp, troubled, broken, mine, troubles, works, refresh };
});
