// What has no words of its own: numbers, calls and forms as people read them, in the reader's language.
import { parsePhoneNumberFromString } from "libphonenumber-js/min";
import { computed, type ComputedRef } from "vue";
import { useI18n } from "vue-i18n";
import type { Contact, Point, Ticket } from "@/contract/types";
import { useFormat } from "./format";

interface RowFacts {
  type: string;
  result?: string;
  direction?: string;
  number?: string;
  wait_seconds?: number;
  talk_seconds?: number;
  callback?: boolean;
}
type Facts = Record<string, unknown> | null | undefined;

const BARE = /^\+\d{7,15}$/;
const known = new Map<string, string>();

/** A number with its country code in the groups of that country; any other text as it is. */
export function readable(text: string): string {
  const bare = text.replace(/[\s()-]/g, "");
  if (!BARE.test(bare)) return text;
  let shown = known.get(bare);
  if (shown === undefined) known.set(bare, (shown = grouped(bare) || text));
  return shown;
}

function grouped(bare: string): string {
  const shown = parsePhoneNumberFromString(bare)?.formatInternational() ?? "";
  return bare.startsWith("+7") ? shown.replace(/ (\d\d) (\d\d)$/, "-$1-$2") : shown; // as they are written in Russia and Kazakhstan
}

export interface Words {
  /** A person's name; of somebody known by a number only, the number. */
  name(contact: { name: string; points?: Contact["points"] }): string;
  point(point: Pick<Point, "kind" | "value" | "display">): string;
  points(points: Contact["points"]): string;
  subject(ticket: Pick<Ticket, "subject" | "about">): string;
  preview(last: Ticket["last_entry"]): string;
  /** What a call or a form is about; empty for what is neither. */
  about(facts: Facts): string;
  result(result: string): string;
}

export function useWords(): ComputedRef<Words> {
  const { t, te } = useI18n();
  const format = useFormat();
  return computed(() => {
    const result = (name: string) => (te(`call.result.${name}`) ? t(`call.result.${name}`) : name);
    const called = (facts: RowFacts): string => {
      const number = facts.number ? readable(facts.number) : t("call.withheld");
      if (facts.direction === "internal") return t("call.internal");
      const well = facts.result === "answered" || facts.result === "ringing";
      if (facts.direction === "out") return t(well ? "call.made" : "call.inVain", { number });
      return t(well ? "call.came" : "call.missed", { number });
    };
    const about = (given: Facts): string => {
      const facts = given as RowFacts | null | undefined;
      if (facts?.type === "call") return called(facts);
      if (facts?.type === "survey") return t("kind.survey");
      return facts?.type === "form" ? t(facts.callback ? "form.callback" : "form.message") : "";
    };
    const row = (given: Facts): string => {
      const facts = given as RowFacts | null | undefined;
      if (facts?.type !== "call") return about(given);
      const lasted = facts.talk_seconds ? `${t("call.talk")} ${format.value.duration(facts.talk_seconds)}` : facts.wait_seconds ? `${t("call.wait")} ${format.value.duration(facts.wait_seconds)}` : "";
      return [result(facts.result ?? "unknown"), lasted].filter(Boolean).join(" · ");
    };
    const point: Words["point"] = (given) => {
      if (given.kind !== "anonymous") return given.kind === "phone" ? readable(given.value) : given.display;
      return t(given.value === "colleagues" ? "person.colleagues" : given.value === "caller" ? "person.withheld" : "person.pageOnly");
    };
    return {
      name: (contact) => {
        const anonymous = contact.points?.find((each) => each.kind === "anonymous");
        return readable(contact.name) || (anonymous ? point(anonymous) : t("person.noName"));
      },
      point,
      points: (points) => points.map(point).join(", "),
      subject: (ticket) => ticket.subject || about(ticket.about) || t("ticket.noSubject"),
      preview: (last) => (last ? last.preview || row(last.facts) : ""),
      about,
      result,
    };
  });
}
