"""The desk's pages as a browser gets them: what is shown, what is written, and what is refused."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from autograder.course import Course
from autograder.desk import application
from autograder.desk.desk_guard import LoopbackGuard
from autograder.errors import CourseError
from autograder.gradebook.mark_rows import WrittenMark
from autograder.gradebook.written_marks import WrittenMarks

from .conftest import NAME, QUESTION, SAME_ORIGIN

Marks = Callable[[], dict[str, WrittenMark]]
ONE = f"/{NAME}/{QUESTION}"


def items_on(page: str) -> dict[str, str]:
    """The keys of the rubric's items on a page, by their text."""
    found = re.findall(r'name="item" value="(\w+)".*?<span>(.*?)</span>', page)
    return {said: key for key, said in found}


def formgrader_writes(course: Course, statement: str, **values: object) -> None:
    engine = create_engine(course.gradebook_url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def test_the_first_page_lists_the_questions_with_how_many_wait(client: TestClient) -> None:
    page = client.get("/").text
    assert "0 of 4 marked" in page
    assert "4 to mark" in page


def test_the_marking_scheme_stands_beside_the_answer_and_the_name_is_folded_away(
    client: TestClient, marks: Marks
) -> None:
    page = client.get(f"{ONE}/{marks()['cem'].key}").text
    assert "has to do with the offset" in page
    assert "Marking scheme" in page
    assert page.index('<details id="who">') < page.index("<p>cem</p>") < page.index("</details>")
    assert page.count("cem") == 1


def test_a_mark_is_nbgraders_own_score_and_comment(client: TestClient, course: Course, marks: Marks) -> None:
    ada = marks()["ada"]
    item = next(iter(items_on(client.get(f"{ONE}/{ada.key}").text).values()))
    answer = client.post(
        f"{ONE}/{ada.key}", data={"seen": ada.seen, "item": item, "comment": "Good."}, follow_redirects=False
    )
    assert answer.status_code == 303
    assert marks()["ada"].points == ada.max_points
    engine = create_engine(course.gradebook_url)
    with engine.connect() as connection:
        score = "SELECT manual_score, needs_manual_grade FROM grade WHERE id = :key"
        assert tuple(connection.execute(text(score), {"key": ada.key}).one()) == (ada.max_points, 0)
        said = "SELECT manual_comment FROM comment WHERE manual_comment IS NOT NULL"
        assert connection.execute(text(said)).scalars().all() == ["Good."]
    engine.dispose()


def test_what_the_formgrader_writes_is_shown_and_kept(client: TestClient, course: Course, marks: Marks) -> None:
    key = marks()["cem"].key
    formgrader_writes(course, "UPDATE grade SET manual_score = 0.5, needs_manual_grade = 0 WHERE id = :key", key=key)
    page = client.get(f"{ONE}/{key}").text
    assert "0.5 points, set in the formgrader" in page
    assert 'value="0.5"' in page


def test_two_graders_at_once_lose_nothing(client: TestClient, course: Course, marks: Marks) -> None:
    ada = marks()["ada"]
    with TestClient(application(course), headers=SAME_ORIGIN, cookies={"desk-grader": "Second"}) as other:
        other.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": "1", "comment": "Theirs."})
    late = client.post(
        f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": "0.5", "comment": "Mine, long thought about."}
    )
    assert late.status_code == 409
    assert "Theirs." in late.text
    assert "by Second" in late.text
    assert "Mine, long thought about.</textarea>" in late.text
    assert marks()["ada"].comment == "Theirs."
    client.post(f"{ONE}/{ada.key}", data={"seen": marks()["ada"].seen, "points": "0.5", "comment": "Ours."})
    assert (marks()["ada"].points, marks()["ada"].comment) == (0.5, "Ours.")


def test_a_changed_item_changes_every_answer_that_has_it(client: TestClient, course: Course, marks: Marks) -> None:
    first = marks()
    client.get(f"{ONE}/{first['ada'].key}")
    written = WrittenMarks.of(course)
    item = written.rubric(NAME, QUESTION)[0]
    for student in ("ada", "bob"):
        client.post(f"{ONE}/{first[student].key}", data={"seen": first[student].seen, "item": item.id})
    client.post(f"{ONE}/{first['cem'].key}", data={"seen": first["cem"].seen, "points": "0.25"})
    change = {"id": item.id, "version": item.version, "text": item.text, "points": "0.5", "part": item.part}
    client.post(f"{ONE}/rubric", data={**change, "back": first["ada"].key})
    assert [marks()[student].points for student in ("ada", "bob", "cem")] == [0.5, 0.5, 0.25]
    stale = client.post(f"{ONE}/rubric", data={**change, "points": "1", "back": first["ada"].key})
    assert stale.status_code == 409
    written.close()


def test_a_changed_item_changes_second_marks_too_but_not_those_that_a_person_set(
    client: TestClient, course: Course, marks: Marks
) -> None:
    first = marks()
    client.get(f"{ONE}/{first['ada'].key}")
    written = WrittenMarks.of(course)
    item = written.rubric(NAME, QUESTION)[0]
    written.give_second(first["ada"].key, [item.id], "Second")
    written.give_second(first["bob"].key, [item.id], "Second", 0.25)
    change = {"id": item.id, "version": item.version, "text": item.text, "points": "0.5", "part": item.part}
    client.post(f"{ONE}/rubric", data={**change, "back": first["ada"].key})
    seconds = [mark.second.points for mark in marks().values() if mark.second]
    assert seconds == [0.5, 0.25]
    client.post(
        f"{ONE}/rubric", data={**change, "version": item.version + 1, "act": "remove", "back": first["ada"].key}
    )
    assert [mark.second.items for mark in marks().values() if mark.second] == [(), ()]
    written.close()


def test_a_course_without_answers_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text('id = "empty"\n')
    with TestClient(application(Course.find(tmp_path))) as browser:
        assert "Grade an assignment first" in browser.get("/").text


def test_an_accepted_nothing_is_not_a_zero(client: TestClient, marks: Marks) -> None:
    ada = marks()["ada"]
    refused = client.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "comment": "What I typed."})
    assert refused.status_code == 422
    assert "press 0" in refused.text
    assert "What I typed." in refused.text
    assert marks()["ada"].points is None


@pytest.mark.parametrize(
    ("points", "why"), [("9", "is not between 0 and"), ("many", "is not a number"), ("nan", "too large")]
)
def test_points_that_cannot_be_are_refused_with_the_value(
    client: TestClient, marks: Marks, points: str, why: str
) -> None:
    ada = marks()["ada"]
    refused = client.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": points})
    assert (refused.status_code, why in refused.text) == (422, True)
    assert marks()["ada"].points is None


def test_a_mark_can_be_taken_back(client: TestClient, marks: Marks) -> None:
    ada = marks()["ada"]
    client.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": "1", "comment": "Kept."})
    client.post(f"{ONE}/{ada.key}", data={"seen": marks()["ada"].seen, "act": "withdraw"})
    assert (marks()["ada"].points, marks()["ada"].open, marks()["ada"].comment) == (None, True, "Kept.")


def test_whoever_takes_a_mark_back_stays_at_the_answer(client: TestClient, marks: Marks) -> None:
    address = f"{ONE}/{marks()['ada'].key}"
    client.post(address, data={"seen": marks()["ada"].seen, "points": "1"})
    answer = client.post(address, data={"seen": marks()["ada"].seen, "act": "withdraw"}, follow_redirects=False)
    assert answer.headers["location"] == address


def test_alike_answers_get_one_mark_after_a_look(client: TestClient, marks: Marks) -> None:
    page = client.get(f"{ONE}/alike").text
    ticked = re.findall(r'name="answer" value="([\w:]+)" checked', page)
    assert {each.partition(":")[0] for each in ticked} == {marks()["ada"].key, marks()["bob"].key}
    client.post(f"{ONE}/alike", data={"answer": ticked, "points": "1", "comment": "Both."})
    assert [marks()[student].points for student in ("ada", "bob", "cem", "eve")] == [1.0, 1.0, None, None]


def test_a_second_mark_is_blind_and_changes_no_grade(client: TestClient, course: Course, marks: Marks) -> None:
    for student, points in (("ada", "1"), ("bob", "0"), ("cem", "0.5")):
        mark = marks()[student]
        client.post(f"{ONE}/{mark.key}", data={"seen": mark.seen, "points": points, "comment": "A first view."})
    own = client.post(f"{ONE}/{marks()['ada'].key}?second", data={"points": "1"})
    assert own.status_code == 422
    with TestClient(application(course), headers=SAME_ORIGIN, cookies={"desk-grader": "Second"}) as other:
        page = other.get(f"{ONE}/{marks()['ada'].key}?second").text
        assert "A first view." not in page
        assert "Not marked yet." in page
        for student, points in (("ada", "1"), ("bob", "0.5"), ("cem", "0.5")):
            other.post(f"{ONE}/{marks()[student].key}?second", data={"points": points})
        agreed = other.get(f"{ONE}/agreement").text
    assert [marks()[student].points for student in ("ada", "bob", "cem")] == [1.0, 0.0, 0.5]
    assert '<dd id="kappa">0.50</dd>' in agreed


def test_a_saved_comment_is_offered_at_the_next_answer(client: TestClient, marks: Marks) -> None:
    ada, cem = marks()["ada"], marks()["cem"]
    client.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": "1", "comment": 'Say "why".', "keep": "yes"})
    assert 'data-comment="Say &#34;why&#34;."' in client.get(f"{ONE}/{cem.key}").text


def test_hostile_answers_and_comments_stay_text(client: TestClient, marks: Marks) -> None:
    eve = marks()["eve"]
    client.post(
        f"{ONE}/{eve.key}",
        data={"seen": eve.seen, "points": "0", "comment": "</textarea><script>x</script>", "keep": "1"},
    )
    for page in (client.get(f"{ONE}/{eve.key}").text, client.get(f"{ONE}/{marks()['ada'].key}").text):
        assert page.count("<script") == 1
        assert "onerror=" not in page or "&lt;img" in page
        assert 'href="javascript' not in page
        assert "<img" not in page


def test_every_page_of_the_desk_forbids_the_rest(client: TestClient) -> None:
    for path in ("/", f"{ONE}/alike", "/static/desk.js", "/nowhere"):
        headers = client.get(path).headers
        assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"}, {}],
)
def test_a_form_from_elsewhere_is_refused(course: Course, marks: Marks, headers: dict[str, str]) -> None:
    ada = marks()["ada"]
    with TestClient(application(course)) as stranger:
        answer = stranger.post(f"{ONE}/{ada.key}", data={"seen": ada.seen, "points": "1"}, headers=headers)
    assert answer.status_code == 403
    assert marks()["ada"].points is None


def test_only_the_printed_address_leads_in(course: Course) -> None:
    guarded = LoopbackGuard(application(course), "the-key")
    with TestClient(guarded, base_url="http://127.0.0.1:8000") as browser:
        assert browser.get("/").status_code == 403
        assert browser.get("/?token=another").status_code == 403
        entered = browser.get("/?token=the-key")
        assert (entered.status_code, "token" in str(entered.url)) == (200, False)
        assert browser.get("/").status_code == 200
    with TestClient(guarded, base_url="http://evil.example:8000") as rebound:
        assert rebound.get("/?token=the-key").status_code == 421


def test_the_desk_listens_on_the_loopback_alone(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    import uvicorn

    from autograder.desk.desk_server import serve_desk

    bound = []
    monkeypatch.setattr(
        uvicorn.Server, "run", lambda self, sockets: bound.extend(each.getsockname() for each in sockets)
    )
    said: list[str] = []
    serve_desk(course, 0, said.append)
    ((host, port),) = bound
    assert host == "127.0.0.1"
    assert re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?token=[\w-]{{32}}", said[0])
    with socket.socket() as taken:
        taken.bind((host, 0))
        taken.listen()
        with pytest.raises(CourseError, match=r"cannot be used: .*--port"):
            serve_desk(course, taken.getsockname()[1], said.append)


def test_the_desk_works_below_a_prefix(course: Course, marks: Marks) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    outer = Starlette(routes=[Mount("/course/desk", application(course))])
    with TestClient(outer, headers=SAME_ORIGIN) as browser:
        page = browser.get(f"/course/desk{ONE}").text
        assert f'action="/course/desk{ONE}/' in page
        assert 'href="/course/desk/static/desk.css"' in page


def test_an_unknown_question_is_named(client: TestClient) -> None:
    missing = client.get(f"/{NAME}/answer-nothing")
    assert (missing.status_code, "answer-nothing" in missing.text) == (404, True)
    assert client.get("/99-nothing/answer-why").status_code == 404
