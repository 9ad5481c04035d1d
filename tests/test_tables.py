"""Tables of the report show the numbers that they are given."""

from made_up import METHODS, MODELS, SECONDS, attack, experiment, metrics

from miface.attack.methods import METHODS as ALL_METHODS
from miface.recognisers import RECOGNISERS
from miface.report.tables import (
    METHOD_NAMES,
    MODEL_NAMES,
    Table,
    accuracy_table,
    attack_table,
    comparison_table,
    identification_table,
    recovered_counts,
    summary_table,
)


def rows_of(table: Table, *first: str) -> list[list[str]]:
    """The rows of a table that begin with these cells."""
    assert all(len(row) == len(table.headers) for row in table.rows)
    return [row for row in table.rows if tuple(row[: len(first)]) == first]


def test_the_table_of_accuracy() -> None:
    table = accuracy_table(metrics(), MODELS)
    assert table.rows == [["softmax", "100.0%", "95.8%", "100%"], ["cnn", "99.1%", "94.2%", "100%"]]


def test_the_table_of_attacks() -> None:
    table = attack_table(metrics(), METHODS, MODELS, SECONDS)
    (measured,) = rows_of(table, "MI-FACE as published", "cnn")
    assert measured[2:-1] == [
        "1.23", "432", "5 alpha, 23 gamma", "0.987", "0.088", "0.012 (801)", "0.46", "-0.079",
        "0.23", "0.568",
    ]  # fmt: skip
    assert "135 steps" in measured[-1]  # what the 2020 report found, beside its own attack alone
    assert rows_of(table, "prior", "cnn")[0][-1] == ""


def test_an_attack_whose_time_was_not_kept_is_shown_without() -> None:
    table = attack_table(metrics(), METHODS, MODELS, {("prior", "cnn"): 0.5})
    assert rows_of(table, "prior", "cnn")[0][2] == "0.5"
    assert rows_of(table, "prior", "softmax")[0][2] == "—"


def test_every_method_and_recogniser_has_a_name_for_people() -> None:
    assert {name: METHOD_NAMES[name] for name in ALL_METHODS} == {
        name: method.title for name, method in ALL_METHODS.items()
    }
    assert {name: MODEL_NAMES[name] for name in RECOGNISERS} == {
        name: kind.title for name, kind in RECOGNISERS.items()
    }


def test_the_table_of_those_recognised() -> None:
    table = identification_table(metrics(), METHODS, MODELS)
    (identified,) = rows_of(table, "MI-FACE as published", "cnn")
    assert identified[2:] == [
        "nothing but the model", "28", "14", "21", "51%, 62%", "7", "21", "51%, 62%",
        "18% (4%)", "93%", "0.568", "3.2",
    ]  # fmt: skip
    (few,) = rows_of(table, "prior", "cnn")
    assert few[2:9] == ["and photos", "4", "2", "3", "51%, 62%", "1", "3"]
    (noise,) = rows_of(table, "noise")
    assert noise[3:6] == ["28", "14", "21"]
    assert noise[-2:] == ["0.011", "3.2"]
    (held_out,) = rows_of(table, "a held-out photo of the person")
    # Who was fitted on photos is not asked about them; the judge from outside is.
    assert held_out[3:10] == ["28", "14", "21", "51%, 62%", "", "", ""]
    (control,) = rows_of(table, "control: prior, labels permuted", "softmax")
    assert control[-1] == "9.9"
    assert "pixels (93% of photos right): first" in table.headers


def test_the_summary_and_the_comparison_count_the_recovered() -> None:
    table = summary_table(metrics(), METHODS, MODELS)
    assert rows_of(table, "cnn")[0][1:3] == ["94.2%", "7 of 28 (13% to 43%)"]
    less = {key: value for key, value in metrics().items() if key != "prior"}
    compared = comparison_table(["a", "b"], [metrics(), less])
    assert compared.headers == ["method", "model", "a", "b"]
    assert rows_of(compared, "prior", "cnn")[0][2:] == ["7 of 4 (13% to 43%)", "—"]


def test_recovered_people_are_counted_by_attack() -> None:
    counts = recovered_counts(experiment().people)
    assert counts["attack"].tolist()[0] == "mi_face softmax"
    assert counts["recovered"].tolist() == [5, 5, 5, 5]


def test_a_missing_measure_is_shown_as_missing() -> None:
    blank = metrics() | {"prior": {m: attack(cost=None, aligned_ssim=None) for m in MODELS}}
    (row,) = rows_of(attack_table(blank, METHODS, MODELS, SECONDS), "prior", "cnn")
    assert row[5] == row[11] == "—"
