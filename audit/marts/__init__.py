"""The marts, counted again by plain SQL. From dbt's project it takes only the score of suspicion."""

from audit.marts.bots import BOT_MARTS
from audit.marts.checks import check_marts
from audit.marts.history import HISTORY_MARTS
from audit.marts.mart import Mart
from audit.marts.shop import SHOP_MARTS

MARTS = (*SHOP_MARTS, *BOT_MARTS, *HISTORY_MARTS)

__all__ = ["MARTS", "Mart", "check_marts"]
