// Compiles every message of both languages as the console does when it is shown first. Prints "ok", or what is wrong and exits 1.
import { createRequire, registerHooks } from "node:module";

const sources = new URL("../../contact_center/agent_ui/", import.meta.url);
const { baseCompile } = createRequire(sources)("@intlify/message-compiler");
registerHooks({ resolve: (name, context, next) => next(name.startsWith("./") && !name.endsWith(".ts") ? `${name}.ts` : name, context) });

function* messages(words, path) {
  for (const [name, value] of Object.entries(words))
    if (typeof value === "string") yield [`${path}.${name}`, value];
    else yield* messages(value, `${path}.${name}`);
}

const wrong = [];
for (const language of ["en", "ru"]) {
  const words = (await import(new URL(`src/i18n/${language}.ts`, sources))).default;
  for (const [path, message] of messages(words, language)) baseCompile(message, { onError: (error) => wrong.push(`${path}: ${error.message}`) });
}
console.log(wrong.join("\n") || "ok");
process.exitCode = wrong.length ? 1 : 0;
