/**
 * Preloaded into a shard's processes (NODE_OPTIONS): modules with gates take the place of some of the mover's, which they stand on
 * themselves. Nothing in shards/ knows of it. It must not be loaded without a plan (control.ts).
 */
import { registerHooks } from "node:module";

const here = (file: string): string => new URL(file, import.meta.url).href;
const HERE = here("./");

const INSTEAD: ReadonlyMap<string, string> = new Map([
  [here("../../shards/mover/slot-runner.ts"), here("gated-runner.ts")],
  [here("../../shards/mover/slot-event.ts"), here("gated-events.ts")],
  [here("../../shards/mover/map-publication.ts"), here("gated-publication.ts")],
  [here("../../shards/lazy-catalog.ts"), here("gated-catalog.ts")],
  [here("../../router/slot-transition.ts"), here("gated-transition.ts")],
]);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const found = nextResolve(specifier, context);
    const instead = context.parentURL?.startsWith(HERE) === true ? undefined : INSTEAD.get(found.url);
    return instead === undefined ? found : { ...found, url: instead };
  },
});
