// Makes a failing scenario smaller as long as it still fails: fewer faults, actions, clients, operations, calmer weather.
// Must not change the seed: it decides all that is not said in the scenario.
import type { Scenario, Weather } from "./scenario.ts";
import { simulate } from "./simulation.ts";

/** Runs that shrinking may take. */
const RUNS_MAX = 400;

/** The smallest that was found. */
export async function shrink(scenario: Scenario): Promise<Scenario> {
  let smallest = scenario;
  let runs = 0;
  for (let hasShrunk = true; hasShrunk && runs < RUNS_MAX; ) {
    hasShrunk = false;
    for (const smaller of smallerThan(smallest)) {
      if (runs >= RUNS_MAX) break;
      runs += 1;
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      hasShrunk = true;
      break;
    }
  }
  return smallest;
}

async function fails(scenario: Scenario): Promise<boolean> {
  const { findings } = await simulate(scenario);
  return findings.length > 0;
}

function* smallerThan(scenario: Scenario): Generator<Scenario> {
  const { faults, actions, clients, operations, weather, edges, workers, keys } = scenario;
  for (const index of faults.keys()) yield { ...scenario, faults: faults.toSpliced(index, 1) };
  for (const index of actions.keys()) yield { ...scenario, actions: actions.toSpliced(index, 1) };
  if (clients > 0) yield { ...scenario, clients: clients - 1 };
  if (operations > 1) yield { ...scenario, operations: Math.floor(operations / 2) };
  if (operations > 1) yield { ...scenario, operations: operations - 1 };
  for (const name of Object.keys(weather) as (keyof Weather)[]) {
    if (weather[name] > 0) yield { ...scenario, weather: { ...weather, [name]: 0 } };
  }
  if (edges > 1) yield { ...scenario, edges: 1 };
  if (workers > 1) yield { ...scenario, workers: 1 };
  if (keys > 1) yield { ...scenario, keys: keys - 1 };
}
