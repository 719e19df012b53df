"""The cause of an error in words, from texts as Spark, Java, Python and PostgreSQL write them."""

from __future__ import annotations

LOST = """\
[STREAM_FAILED] Query [id = aa14239f-cd8b-4243-96e7-ea59b01752dd, runId = e1b20747-e305-4deb-bb78-1fae263fa6bb] \
terminated with exception: Some data may have been lost because they are not available in Kafka any more;
either the data was aged out by Kafka or the topic may have been deleted before all the data in the
topic was processed.
If you don't want your streaming query to fail on such cases, set the source option failOnDataLoss to false.
Reason: Partition web_logs-3 offset was changed from 5911 to 64.
This could be either 1) a user error that the start offset is set beyond available offset when starting query, or 2) \
the kafka topic-partition is deleted and re-created. SQLSTATE: XXKST
=== Streaming Query ===
Identifier: bronze [id = aa14239f-cd8b-4243-96e7-ea59b01752dd, runId = e1b20747-e305-4deb-bb78-1fae263fa6bb]
Current Committed Offsets: {KafkaV2[Subscribe[web_logs]]: {"web_logs":{"0":6044}}}

Current State: ACTIVE
Thread State: RUNNABLE
"""
