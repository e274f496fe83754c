// What the values of a field can be, by name.
import { ref } from "vue";
import { useI18n } from "vue-i18n";
import { api, ask } from "@/api/client";
import { useLive } from "@/stores/live";
import { FIELDS } from "./rules";

export interface Option {
  value: string | number;
  label: string;
}

const organizations = ref<Option[]>([]);
let asked = false;

async function askOrganizations(): Promise<void> {
  if (asked) return;
  asked = true;
  try {
    const page = await ask(api.GET("/api/v1/organizations", { params: { query: { limit: 200 } } }));
    organizations.value = page.items.map((each) => ({ value: each.id, label: each.name }));
  } catch {
    asked = false; // asked again when the next list is opened
  }
}

/** `reader`: whether somebody reads the list, so that there is a "me". */
export function useOptions(reader: () => boolean) {
  const live = useLive();
  const { t, te } = useI18n();
  const people = (): Option[] => Object.values(live.state.users).filter((user) => !user.disabled).map((user) => ({ value: user.id, label: user.name }));
  const queues = (): Option[] => Object.values(live.state.queues).map((queue) => ({ value: queue.id, label: queue.name }));
  const kinds = (more: string[]): Option[] => ["email", "sms", "telephony", "web_form", ...more].map((value) => ({ value, label: te(`kind.${value}`) ? t(`kind.${value}`) : value }));
  const nobody = (): Option[] => [...(reader() ? [{ value: "me", label: t("conditions.me") }] : []), { value: "nobody", label: t("ticket.unassigned") }];

  /** None for a field whose values are typed. */
  function of(field: string): Option[] | undefined {
    const { kind, names, choices } = FIELDS[field]!;
    if (kind === "choice") return choices!.map((value) => ({ value, label: t(field === "last_direction" ? `conditions.direction.${value}` : `${field}.${value}`) }));
    if (kind === "employee") return [...nobody(), ...people()];
    if (names === "queue") return queues();
    if (names === "channel") return kinds([]);
    if (names === "kind") return kinds(["note"]);
    if (names === "reason") return live.state.contactReasons.map((each) => ({ value: each.id, label: each.name }));
    if (names === "organization") return void askOrganizations(), organizations.value;
    return undefined;
  }
  return { of, people, queues, nobody };
}
