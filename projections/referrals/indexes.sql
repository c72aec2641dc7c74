CREATE INDEX referrers_changed ON referrers (changed, id);
CREATE INDEX campaigns_changed ON campaigns (changed, id);
CREATE INDEX campaigns_referrer ON campaigns (referrer_id, created_at, id);
CREATE INDEX transactions_referrer ON transactions (referrer_id, sequence);
CREATE INDEX transactions_status ON transactions (type, status, created_at, id);
CREATE INDEX commissions_referrer ON commissions (referrer_id);
CREATE INDEX commissions_due ON commissions (matured, disputed, matures_at);
