// What can be changed about a queue at once.
import type { Queue } from "@/contract/types";

export type QueuePatch = Partial<Omit<Queue, "id" | "overflow_queue_id" | "overflow_seconds" | "overflow_until">>;
