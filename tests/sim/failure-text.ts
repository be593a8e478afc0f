// A failing seed as people read it: what is broken, the smallest scenario that still breaks it, and what happened in that.
// Must not judge.
import type { Scenario } from "./scenario.ts";
import { drawScenario } from "./seeds.ts";
import { shrink } from "./shrinking.ts";
import { sentenceOf, simulate } from "./simulation.ts";

/** Several lines. */
export async function describeFailure(scenario: Scenario): Promise<string> {
  const smallest = await shrink(scenario);
  const { findings, lines } = await simulate(smallest, { isTraced: true });
  return [
    `seed ${scenario.seed} fails; npm run sim -- --seeds 1 --from ${scenario.seed} --trace shows all of it`,
    ...findings.slice(0, 1).map(({ invariant, detail }) => `${invariant}, "${sentenceOf(invariant)}": ${detail}`),
    `the smallest scenario that still fails: ${describeScenario(smallest)}`,
    ...lines,
  ].join("\n");
}

/** What is left of it beside the seed's own. */
function describeScenario(scenario: Scenario): string {
  const drawn = drawScenario(scenario.seed);
  const names = Object.keys(drawn) as (keyof Scenario)[];
  const changed = names.filter((name) => JSON.stringify(drawn[name]) !== JSON.stringify(scenario[name]));
  return JSON.stringify({ seed: scenario.seed, ...Object.fromEntries(changed.map((name) => [name, scenario[name]])) });
}
