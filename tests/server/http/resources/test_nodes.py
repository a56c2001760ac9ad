from tests.server.http.rest import Rest


def add_types(rest: Rest) -> None:
    """Store a type of each kind."""
    rest.post(
        "/types",
        [
            {"kind": "artifact", "name": "Table", "properties": {"rows": "int"}},
            {"kind": "execution", "name": "Join"},
            {"kind": "context", "name": "Group"},
        ],
        201,
    )


def test_a_graph_is_stored_and_read_back(rest: Rest):
    add_types(rest)
    [artifact] = rest.post(
        "/artifacts",
        [{"type": "Table", "name": "t", "state": "live", "uri": "s3://b/t", "properties": {"rows": 3}}],
        201,
    )["ids"]
    [execution] = rest.post("/executions", [{"type": "Join", "params": {"how": "left"}}], 201)["ids"]
    [context] = rest.post("/contexts", [{"type": "Group", "name": "g"}], 201)["ids"]
    edge = {"artifact_id": artifact, "execution_id": execution, "type": "output", "path": ["out", 0]}

    assert rest.post("/events", [edge], 201) == {"count": 1}
    assert rest.ask("POST", f"/contexts/{context}/members", {"artifacts": [artifact]}).status == 204
    links = rest.get(f"/artifacts/{artifact}/links")

    assert links["contexts"] == [f"contexts/{context}"]
    assert [(e["execution"], e["type"], e["path"]) for e in links["events"]] == [
        (f"executions/{execution}", "output", ["out", 0])
    ]
    assert rest.get(f"/executions/{execution}/links")["events"] == links["events"]
    assert rest.get(f"/artifacts/{artifact}")["properties"] == {"rows": 3}
    assert rest.get(f"/artifacts/{artifact}")["state"] == "live"
    assert rest.get("/executions")["items"][0]["params"] == {"how": "left"}
    assert rest.fault("POST", "/events", [edge])["status"] == 409


def test_nodes_are_listed_by_filter_and_page(rest: Rest):
    add_types(rest)
    rest.post("/artifacts", [{"type": "Table", "name": name} for name in "abc"], 201)

    first = rest.get("/artifacts", q="name != 'b'", limit=1)
    second = rest.get("/artifacts", q="name != 'b'", limit=1, cursor=first["next"])

    assert [page["items"][0]["name"] for page in (first, second)] == ["a", "c"]
    assert (first["total"]["count"], second["next"]) == (2, None)
    assert rest.fault("GET", "/artifacts", cursor="nonsense")["status"] == 400


def test_a_key_gives_the_same_ids_again_and_belongs_to_one_request(rest: Rest):
    add_types(rest)
    new = [{"type": "Table", "name": "a"}]
    ids = [rest.post("/artifacts", new, 201, Idempotency_Key="k")["ids"] for _ in range(2)]

    fault = rest.fault(
        "POST", "/artifacts", [{"type": "Table", "name": "b"}], headers={"Idempotency-Key": "k"}
    )

    assert ids[0] == ids[1]
    assert (fault["status"], "Idempotency-Key" in fault["fix"]) == (409, True)


def test_a_change_goes_on_from_what_was_seen(rest: Rest):
    add_types(rest)
    [node] = rest.post("/artifacts", [{"type": "Table", "properties": {"rows": 1}}], 201)["ids"]
    seen = rest.ask("GET", f"/artifacts/{node}").etag

    changed = rest.ask("PATCH", f"/artifacts/{node}", {"properties": {"rows": 2}}, headers={"If-Match": seen})
    fault = rest.fault("PATCH", f"/artifacts/{node}", {"properties": {"rows": 3}}, headers={"If-Match": seen})

    assert changed.json["properties"] == {"rows": 2}
    assert changed.etag == rest.ask("GET", f"/artifacts/{node}").etag
    assert fault["status"] == 412


def test_what_is_not_there_is_said_so(rest: Rest):
    assert rest.fault("GET", "/artifacts/99")["status"] == 404
    assert rest.fault("GET", "/types/99999")["status"] == 404
    assert rest.fault("POST", "/artifacts", [{"type": "Nothing"}])["message"] == "no artifact type 'Nothing'"
    assert rest.fault("GET", f"/artifacts/{2**64}")["status"] == 400


def test_types_are_found_again_and_listed_by_kind(rest: Rest):
    add_types(rest)
    add_types(rest)

    names = [each["name"] for each in rest.get("/types", kind="artifact")["items"]]
    found = next(each for each in rest.get("/types")["items"] if each["name"] == "Table")

    assert names.count("Table") == 1
    assert rest.get(f"/types/{found['id']}")["properties"] == {"rows": "int"}


def test_odd_text_comes_back_as_json_escapes(rest: Rest):
    add_types(rest)
    kind = next(each["id"] for each in rest.get("/types", kind="context")["items"] if each["name"] == "Group")
    from headwater.model.graph import NewContext

    [node] = rest.store.contexts.add([NewContext(type_id=kind, name="half \ud83d")])

    assert rest.ask("GET", f"/contexts/{node}").json["name"] == "half \ud83d"
