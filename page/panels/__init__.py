"""The panels of the page, from top to bottom."""

from __future__ import annotations

from page.panels.bots import BOTS
from page.panels.failures import PAYMENTS, SLOW
from page.panels.products import FUNNEL, PRODUCTS
from page.panels.state import NOW, STATE
from page.panels.traffic import REJECTED, TRAFFIC

PANELS = {panel.name: panel for panel in (STATE, NOW, TRAFFIC, FUNNEL, PRODUCTS, PAYMENTS, SLOW, BOTS, REJECTED)}
