// Short names for the generated schemas, so that features need not know the generator.
import type { components } from "./api";

type Schemas = components["schemas"];
export type Ticket = Schemas["Ticket"];
export type Entry = Schemas["Entry"];
export type EntryBody = Schemas["EntryBody"];
export type Attachment = Schemas["Attachment"];
export type Address = Schemas["Address"];
export type Contact = Schemas["Contact"];
export type Point = Schemas["Point"];
export type Merge = Schemas["Merge"];
export type User = Schemas["User"];
export type Queue = Schemas["Queue"];
export type Channel = Schemas["ChannelNews"];
export type ChannelDetail = Schemas["ChannelDetail"];
export type KindInfo = Schemas["KindInfo"];
export type OptionField = Schemas["OptionField"];
export type Me = Schemas["Me"];
export type Snapshot = Schemas["Snapshot"];
export type RawItem = Schemas["RawItemRow"];
export type SpooledMail = Schemas["SpooledMail"];
export type Device = Schemas["Device"];
export type TokenInfo = Schemas["TokenInfo"];
export type Books = Schemas["Books"];
export type Status = Ticket["status"];
export type View = "open" | "mine" | "unassigned" | "waiting" | "resolved" | "all";
export type Bucket = Schemas["Bucket"];
