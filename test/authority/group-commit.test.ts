import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { StoreUnavailableError } from "../../src/authority/index.ts";
import { GroupCommit } from "../../src/authority/store/sqlite/group-commit.ts";

describe("a group commit", () => {
  let database: DatabaseSync;
  let hooks: string[];
  let commit: GroupCommit<number>;

  beforeEach(() => {
    database = new DatabaseSync(":memory:");
    database.exec("CREATE TABLE written (value TEXT NOT NULL) STRICT");
    hooks = [];
    commit = new GroupCommit(database, {
      begin: () => hooks.push("begin"),
      finish: () => hooks.push("finish"),
      committed: () => hooks.push("committed"),
      discard: () => hooks.push("discard"),
    });
  });
  afterEach(() => {
    database.close();
  });

  const write = (value: string) => () => {
    database.prepare("INSERT INTO written VALUES (?)").run(value);
    return value;
  };
  const written = () =>
    database
      .prepare("SELECT value FROM written")
      .all()
      .map((row) => row["value"]);

  it("takes all that one turn asks for, in order, as one transaction", async () => {
    const results = await Promise.all(["a", "b", "c"].map((value) => commit.run(write(value))));
    expect(results).toEqual(["a", "b", "c"]);
    expect(written()).toEqual(["a", "b", "c"]);
    expect(hooks).toEqual(["begin", "finish", "committed"]);
    await commit.run(write("d"));
    expect(hooks).toEqual(["begin", "finish", "committed", "begin", "finish", "committed"]);
  });

  it("waits for further turns while each brings more, and for no more than four", async () => {
    // Turns that take no time, however busy the machine is.
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    const results: Promise<string>[] = [];
    for (let turn = 0; turn < 8; turn += 1) {
      results.push(commit.run(write(String(turn))));
      await new Promise(setImmediate);
    }
    await Promise.all(results);
    clock.mockRestore();
    expect(written()).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(hooks).toEqual(["begin", "finish", "committed", "begin", "finish", "committed"]);
  });

  it("undoes all of a group when a step throws, and goes on with the next", async () => {
    const steps = [
      write("a"),
      () => {
        throw new Error("a step failed");
      },
      write("c"),
    ];
    const said = await Promise.allSettled(steps.map((step) => commit.run<unknown>(step)));
    for (const { status, reason } of said as PromiseRejectedResult[]) {
      expect(status).toBe("rejected");
      expect(reason).toBeInstanceOf(StoreUnavailableError);
    }
    expect(written()).toEqual([]);
    expect(hooks).toEqual(["begin", "discard"]);
    expect(await commit.run(write("d"))).toBe("d");
    expect(written()).toEqual(["d"]);
  });

  it("undoes all of a group when its commit fails", async () => {
    database.exec(
      "PRAGMA foreign_keys = ON; CREATE TABLE parent (id INTEGER PRIMARY KEY);" +
        "CREATE TABLE child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    );
    const orphan = () => {
      database.exec("INSERT INTO child VALUES (1)");
    };
    const said = await Promise.allSettled([commit.run(write("a")), commit.run(orphan)]);
    expect(said.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(written()).toEqual([]);
    expect(hooks).toEqual(["begin", "finish", "discard"]);
  });

  it("commits what is waiting when it is closed, and takes no more", async () => {
    const last = commit.run(write("a"));
    commit.close();
    expect(written()).toEqual(["a"]);
    expect(await last).toBe("a");
    await expect(commit.run(write("b"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});
