/* How audit entries lie in rows here. */

/** Half a page, whose other half another row has room in. */
export const ROW_SIZE = { entries: 256, length: 4_000 };

/*
 * The rows that hold a chain's entries after a number, as many as hold so many
 * of them, and where the first of these rows starts. Lines are counted by the
 * rows' numbers, so that no more is read than was asked for.
 */
export const READ_ROWS = {
  name: "machineid_audit_rows",
  text: `
    SELECT r.seq, r.entry, s.start
    FROM (
      SELECT coalesce(
        (SELECT max(seq) FROM machineid.audit WHERE chain_id = $1 AND seq <= $2),
        (SELECT cut FROM machineid.audit_chains WHERE id = $1), 0) AS start
    ) s, (
      SELECT seq, entry, lag(seq, 1, 0::bigint) OVER (ORDER BY seq) AS previous
      FROM machineid.audit WHERE chain_id = $1 AND seq > $2 ORDER BY seq LIMIT $3::int
    ) r
    WHERE r.previous < $2 + $3::int ORDER BY r.seq`,
};

/**
 * Parts of a statement that remove the entries up to each chain's cut.
 *
 * @param chains where their `id` and `cut` come from, an earlier part
 */
export const removeUpToCut = (chains: string): string => `
    removed AS (
      DELETE FROM machineid.audit a USING ${chains} c
      WHERE a.chain_id = c.id AND a.seq <= c.cut
    ), shortened AS (
      UPDATE machineid.audit a SET entry = array_to_string(
        (string_to_array(a.entry, E'\\n'))[cardinality(string_to_array(a.entry, E'\\n')) - (a.seq - c.cut)::int + 1:],
        E'\\n')
      FROM ${chains} c
      WHERE a.chain_id = c.id
        AND a.seq = (SELECT min(n.seq) FROM machineid.audit n WHERE n.chain_id = c.id AND n.seq > c.cut)
        AND cardinality(string_to_array(a.entry, E'\\n')) > a.seq - c.cut
    )`;
