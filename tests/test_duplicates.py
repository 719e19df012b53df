from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from spark.events.duplicates import MOST_BROADCAST, MOST_SPANS, Span, find_duplicates, spans

ROW = "event_key bigint, event_id string, window_start string, batch bigint, kafka_partition int, kafka_offset bigint"


def rows(session: SparkSession, *values: tuple[int | None, str, str, int, int, int]) -> DataFrame:
    return session.createDataFrame(list(values), ROW)


def found(new: DataFrame, earlier: DataFrame) -> set[tuple[int, int, int]]:
    return {tuple(row) for row in find_duplicates(new, earlier).collect()}


def test_the_first_by_batch_partition_offset_counts(session: SparkSession) -> None:
    new = rows(session, (1, "a", "w", 5, 1, 0), (1, "a", "w", 5, 0, 9), (1, "a", "w", 4, 2, 7))
    assert found(new, rows(session)) == {(5, 1, 0), (5, 0, 9)}


def test_a_row_counted_before_makes_all_new_ones_duplicates(session: SparkSession) -> None:
    new = rows(session, (1, "a", "w", 5, 0, 1), (2, "b", "w", 5, 0, 2))
    earlier = rows(session, (1, "a", "w", 3, 4, 99), (3, "c", "w", 3, 4, 98), (3, "c", "w", 2, 4, 97))
    assert found(new, earlier) == {(5, 0, 1)}


def test_equal_hashes_of_different_events_are_no_duplicates(session: SparkSession) -> None:
    new = rows(session, (1, "a", "w", 5, 0, 1), (1, "b", "w", 5, 0, 2), (1, "a", "v", 5, 0, 3))
    assert found(new, rows(session)) == set()


def test_rows_without_a_given_id_are_never_duplicates(session: SparkSession) -> None:
    new = rows(session, (None, "0-1", "w", 5, 0, 1), (None, "0-1", "w", 5, 0, 2))
    assert found(new, rows(session)) == set()


def test_a_row_at_the_same_place_of_an_earlier_topic_still_counts(session: SparkSession) -> None:
    new = rows(session, (1, "a", "w", 3, 0, 0), (2, "b", "w", 3, 0, 1), (1, "a", "w", 5, 0, 1))
    assert found(new, rows(session)) == {(5, 0, 1)}


def test_more_rows_than_a_task_can_hold_are_not_sent_to_each(session: SparkSession) -> None:
    new = rows(session, (1, "a", "w", 5, 0, 1), (2, "b", "w", 5, 0, 2), (1, "a", "w", 5, 0, 3))
    few, many = (find_duplicates(new, rows(session), number) for number in (MOST_BROADCAST, MOST_BROADCAST + 1))
    assert few.collect() == many.collect() == [(5, 0, 3)]
    plans = [frame._jdf.queryExecution().optimizedPlan().toString() for frame in (few, many)]
    assert ["broadcast" in plan for plan in plans] == [True, False]


def test_spans_split_at_the_widest_gaps() -> None:
    assert spans([]) == []
    assert spans([30, 0, 10, 1000]) == [Span(0, 10), Span(30, 30), Span(1000, 1000)]
    many = spans([1000 * n for n in range(500)])
    assert len(many) == MOST_SPANS
    assert (many[0].first, many[-1].last) == (0, 499_000)
