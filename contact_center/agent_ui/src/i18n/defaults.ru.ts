// What a new channel begins with when a Russian-speaking person adds it: a form that speaks their language.
const defaults: Record<string, Record<string, string>> = {
  web_form: {
    language: "ru",
    fields: JSON.stringify(
      [
        { name: "name", label: "Имя", type: "text", required: true },
        { name: "email", label: "Электронная почта", type: "email", required: true },
        { name: "message", label: "Сообщение", type: "textarea", required: true },
      ],
      null,
      2,
    ),
  },
};
export default defaults;
