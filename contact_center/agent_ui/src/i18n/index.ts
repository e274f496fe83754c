// Russian and English, written by hand. Russian needs three plural forms: 1 заявка, 2 заявки, 5 заявок.
import { createI18n } from "vue-i18n";
import en from "./en";
import ru from "./ru";

function russianPlural(choice: number, forms: number): number {
  const [last, teens] = [choice % 10, Math.floor((choice % 100) / 10) === 1];
  const form = !teens && last === 1 ? 0 : !teens && last >= 2 && last <= 4 ? 1 : 2;
  return Math.min(form, forms - 1);
}

export const i18n = createI18n({
  legacy: false,
  locale: "en",
  fallbackLocale: "en",
  messages: { en, ru },
  pluralRules: { ru: russianPlural },
});
