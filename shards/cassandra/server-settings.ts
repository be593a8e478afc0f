/**
 * Settings of the servers that a shard counts on, as the node that answers has them. It must not change anything, nor insist:
 * a role may not be allowed to look, and a difference is for people to judge.
 */
import type { CassandraSession } from "./session.ts";

/** A setting, which values are as they should be, and what another one means. */
interface Expectation {
  readonly values: ReadonlySet<string>;
  readonly otherwise: string;
}

const EXPECTED: Readonly<Record<string, Expectation>> = {
  paxos_variant: {
    values: new Set(["v2"]),
    otherwise: "expected v2: each write and each read takes a round of messages more, and nothing is tested with it",
  },
  commitlog_sync: {
    values: new Set(["batch", "group"]),
    otherwise: "expected batch or group: a quorum of nodes that lose power together forget acknowledged writes",
  },
};

/** A line for each setting that is not as it should be; none where the settings may not be read. */
export async function settingDifferences(session: CassandraSession): Promise<readonly string[]> {
  const cql = "SELECT name, value FROM system_views.settings";
  const found = await session.readQuorum({ cql, parameters: [] }, { rowsMax: 5_000, after: null }).catch(() => null);
  return (found?.rows ?? []).flatMap(({ name, value }) => {
    const expectation = EXPECTED[String(name)];
    if (expectation === undefined || expectation.values.has(String(value))) return [];
    return [`${String(name)} is ${String(value)} in cassandra.yaml; ${expectation.otherwise}`];
  });
}
