"""What a request does, by the URL rules. Pure: expressions over ``target``, ``method``, ``asked``, ``status_text``."""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import ASSET, OTHER
from lake.url_rules import UrlRule, UrlRules
from spark.events.targets import host, query

UNIX_LINES = "(?d)"  # so that a line ends in a newline alone, as in Python


def first_rule(rules: UrlRules) -> Column:
    """Number of the first rule that applies to the request, from 0; null where none does."""
    number = F.lit(None).cast("int")
    for position, rule in reversed(list(enumerate(rules.rules))):
        number = F.when(_applies(rule), F.lit(position)).otherwise(number)
    return F.when(F.col("target").isNotNull(), number)


def rule_action(rules: UrlRules) -> Column:
    """Action of the rule with the number ``rule``."""
    actions = [rule.action for rule in rules.rules]
    return F.coalesce(F.get(F.array(*map(F.lit, actions)), F.col("rule")), F.lit(OTHER)) if actions else F.lit(OTHER)


def rule_product(rules: UrlRules) -> Column:
    """Product that the rule with the number ``rule`` finds in the target, as it stands there."""
    product = F.lit(None).cast("string")
    for position, rule in enumerate(rules.rules):
        if rule.product_group and rule.action != ASSET:
            group = F.regexp_extract("target", UNIX_LINES + rule.pattern, rule.product_group)
            product = F.when(F.col("rule") == position, group).otherwise(product)
    return product


def _applies(rule: UrlRule) -> Column:
    """Say whether a rule applies: first what is quick to look at. A status that is not known is no reason why not."""
    condition = F.lit(True)
    if rule.methods:
        condition = F.col("method").isin(*rule.methods)
    if rule.statuses:
        status = F.col("status_text")
        classes = [status.startswith(text[0]) for text in rule.statuses if text.endswith("xx")]
        codes = [status == text for text in rule.statuses if not text.endswith("xx")]
        condition = condition & F.coalesce(reduce(or_, [*classes, *codes]), F.lit(True))
    if rule.host:
        condition = condition & host(F.col("asked")).rlike(UNIX_LINES + rule.host)
    condition = condition & F.col("target").rlike(UNIX_LINES + rule.pattern)
    if rule.query:
        condition = condition & query(F.col("target")).rlike(UNIX_LINES + rule.query)
    return condition
