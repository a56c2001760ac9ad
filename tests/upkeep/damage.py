"""Damage, as the name of the check that finds it and the SQL that does it."""

DAMAGE = {
    "artifact-properties-without-owner": "UPDATE artifact_property SET node_id = node_id + 90",
    "execution-properties-without-owner": "UPDATE execution_property SET node_id = node_id + 90",
    "type-properties-without-type": "INSERT INTO type_property VALUES (99, 'a', 1)",
    "events-without-node": "INSERT INTO event VALUES (98, 4, 99, NULL, 1)",
    "attributions-without-node": "INSERT INTO attribution VALUES (98, 99, 1)",
    "associations-without-node": "INSERT INTO association VALUES (98, 99, 1)",
    "parent-contexts-without-node": "INSERT INTO parent_context VALUES (98, 99, 1)",
    "runs-without-execution": "UPDATE run SET execution_id = execution_id + 90",
    "runs-with-unknown-parent": "UPDATE run SET parent_id = 99",
    "aliases-without-version": "INSERT INTO alias VALUES (1, 'champion', 99)",
    "deprecations-without-version": "INSERT INTO deprecation VALUES (99, 'r', 'a', 1)",
    "approval-requests-without-version": (
        "INSERT INTO approval_request VALUES (1, 99, 'production', NULL, 1, 'a', 'r', 1, NULL)"
    ),
    "votes-without-request": "INSERT INTO approval_vote VALUES (99, 'a', 1, 'r', 1)",
    "series-without-execution": "UPDATE series SET execution_id = execution_id + 90",
    "metric-chunks-without-series": "UPDATE metric_chunk SET series_id = series_id + 90",
    "metric-merge-marks-without-series": "INSERT INTO merged_batch VALUES (99, 1, 1)",
    "tokens-without-account": "INSERT INTO token VALUES (1, 'gone', 'n', 1, 'd', NULL, 1, NULL, NULL)",
    "grants-without-account": "INSERT INTO account_grant VALUES ('gone', 'models/m', 2)",
    "newest-points": "UPDATE series SET count = 3, step = 1",
    "stale-runs": "UPDATE run SET status = 2, heartbeat_ms = 1000",
    "artifacts-alive-with-tombstone": "INSERT INTO tombstone VALUES (1, 1, 1, NULL, NULL, NULL, 1, 1, 1)",
}
BEYOND_REPAIR = {
    "artifacts-without-type": "UPDATE artifact SET type_id = 99",
    "runs-without-experiment": "UPDATE run SET experiment_id = 99",
    "versions-without-artifact": "UPDATE version SET artifact_id = 99 WHERE stage IS NOT NULL",
    "exclusive-stages": "UPDATE version SET exclusive_stage = NULL",
    "ledger": "UPDATE ledger SET reason = 'another' WHERE seq = 1",
}
