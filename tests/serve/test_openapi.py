"""The OpenAPI file says what the server does."""

import pytest

from leapsr.serve.answers import EXAMPLE, RequestStatus
from tests.serve.conftest import encoded


@pytest.fixture(scope="module")
def told(served):
    return served.http.get("/openapi.json").json()


def operations(told):
    return [
        (path, verb, operation) for path, verbs in told["paths"].items() for verb, operation in verbs.items()
    ]


def test_operations_have_names_of_their_own(told):
    names = [operation["operationId"] for _, _, operation in operations(told)]
    assert len(names) == len(set(names)) == 20
    assert {"create_request", "upscale_image", "get_result", "list_models"} <= set(names)


def test_errors_are_problem_documents(told):
    for path, verb, operation in operations(told):
        assert "422" in operation["responses"], (path, verb)
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and path != "/ready":
                assert answer["content"].keys() == {"application/problem+json"}, (path, verb, status)
    assert "ProblemDocument" in told["components"]["schemas"]
    assert "HTTPValidationError" not in str(told["paths"])


@pytest.mark.parametrize(
    ("path", "verb", "statuses"),
    [
        ("/v1/requests/{request_id}/retry", "post", {"404", "409", "429", "503"}),
        ("/v1/requests/{request_id}/tiles/{level}/{x}/{y}", "get", {"404", "409", "503", "507"}),
        ("/v1/requests/{request_id}/region", "post", {"404", "413", "503"}),
        ("/v1/session", "post", {"401", "413", "429"}),
    ],
)
def test_what_can_go_wrong_is_declared(told, path, verb, statuses):
    assert statuses <= told["paths"][path][verb]["responses"].keys()


def test_photos_are_files_of_a_form(told):
    for path in ("/v1/requests", "/v1/images/upscale", "/v1/preview"):
        (media_type, body), *more = told["paths"][path]["post"]["requestBody"]["content"].items()
        assert (media_type, more) == ("multipart/form-data", [])
        schema = told["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
        assert "image" in schema["required"]
        assert schema["properties"]["image"]["format"] == "binary"


def test_the_example_is_what_a_request_tells(served):
    assert RequestStatus.model_validate(EXAMPLE).model_dump() == EXAMPLE
    status = served.done(encoded())
    assert status.keys() == EXAMPLE.keys()
    for part in ("settings", "source", "result"):
        assert status[part].keys() == EXAMPLE[part].keys()
