//! `firewall_rule`: the rule that ended the inspection of the request.
//!
//! | raw | OCSF | note |
//! |---|---|---|
//! | `terminatingRuleId`, `terminatingRuleType` | `firewall_rule.uid`, `firewall_rule.type` | without an id all of this is in `unmapped` |
//! | `terminatingRuleMatchDetails[].conditionType`, `.location`, `.matchedData[]` | `firewall_rule.condition`, `.match_location`, `.match_details[]` | of the first element |
//! | `rateBasedRuleList[].maxRateAllowed` | `firewall_rule.rate_limit` | of the element that is the terminating rule, else of the first |
//!
//! AWS's columns hold one of each; all else of these lists is in `unmapped`.

use shared::json::{Cursor, Kind, Raw};
use shared::ocsf;
use shared::ocsf::ObservableType;
use shared::rows::Rows;

use super::Mapping;
use crate::record::{MatchDetails, RateBasedRule, Record};

const DETAILS: &str = "terminatingRuleMatchDetails";
const RATES: &str = "rateBasedRuleList";

impl Mapping {
    pub(super) fn rule(&mut self, rows: &mut Rows, record: &Record<'_>) {
        let Some(id) = record.terminating_rule_id().filter(Raw::is_scalar) else {
            self.leave("terminatingRuleId", record.terminating_rule_id());
            self.leave("terminatingRuleType", record.terminating_rule_type());
            self.leave(DETAILS, record.terminating_rule_match_details());
            self.leave(RATES, record.rate_based_rule_list());
            return;
        };
        self.put(rows, self.leaves.rule_uid, "terminatingRuleId", Some(id));
        self.put(rows, self.leaves.rule_type, "terminatingRuleType", record.terminating_rule_type());
        let text = ocsf::bounded(id.as_text(&mut self.scratch).unwrap_or_default());
        self.leaves.observables.push(rows, "firewall_rule.uid", ObservableType::ResourceUid, text);
        if let Some(details) = record.terminating_rule_match_details() {
            self.match_details(rows, details);
        }
        if let Some(rates) = record.rate_based_rule_list() {
            self.rate(rows, rates, id);
        }
    }

    fn match_details(&mut self, rows: &mut Rows, list: Raw<'_>) {
        let mut cursor = list.cursor();
        if list.kind != Kind::Array || !matches!(cursor.next_element(&mut true), Ok(true)) {
            self.unmapped.add(DETAILS, list);
            return;
        }
        let mut details = MatchDetails::default();
        if cursor.peek() == Some(b'{') {
            if details.read(&mut cursor).is_err() {
                return; // the text was read as a value before, so this does not happen
            }
            let condition = details.condition_type();
            self.put(
                rows,
                self.leaves.rule_condition,
                "terminatingRuleMatchDetails[].conditionType",
                condition,
            );
            let location = details.location();
            self.put(
                rows,
                self.leaves.rule_match_location,
                "terminatingRuleMatchDetails[].location",
                location,
            );
            if let Some(data) = details.matched_data() {
                self.matched_data(rows, data);
            }
            self.leave_rest("terminatingRuleMatchDetails[]", &details.rest);
        } else {
            self.leave_element("terminatingRuleMatchDetails[]", &mut cursor);
        }
        while let Ok(true) = cursor.next_element(&mut false) {
            self.leave_element("terminatingRuleMatchDetails[]", &mut cursor);
        }
    }

    fn matched_data(&mut self, rows: &mut Rows, data: Raw<'_>) {
        if data.kind != Kind::Array {
            self.unmapped.add("terminatingRuleMatchDetails[].matchedData", data);
            return;
        }
        let (mut cursor, mut first) = (data.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(value) = cursor.value() else { return };
            if value.is_scalar() {
                rows.element(self.leaves.match_details);
            }
            let path = "terminatingRuleMatchDetails[].matchedData[]";
            self.put(rows, self.leaves.rule_match_detail, path, Some(value));
        }
    }

    fn rate(&mut self, rows: &mut Rows, list: Raw<'_>, rule: Raw<'_>) {
        if list.kind != Kind::Array {
            self.unmapped.add(RATES, list);
            return;
        }
        let (mut cursor, mut first) = (list.cursor(), true);
        let mut terminating = 0;
        let rule = rule.decoded();
        let mut number = 0;
        while let Ok(true) = cursor.next_element(&mut first) {
            let Ok(element) = cursor.value() else { return };
            if element.member("rateBasedRuleName").is_some_and(|name| name.is(&rule)) {
                terminating = number;
                break;
            }
            number += 1;
        }
        let (mut cursor, mut first) = (list.cursor(), true);
        let mut number = 0;
        while let Ok(true) = cursor.next_element(&mut first) {
            if number == terminating && cursor.peek() == Some(b'{') {
                let mut rate = RateBasedRule::default();
                if rate.read(&mut cursor).is_err() {
                    return;
                }
                let limit = rate.max_rate_allowed();
                match limit.and_then(|limit| self.number(limit)) {
                    Some(limit) => rows.int(self.leaves.rule_rate_limit, limit),
                    None => self.leave("rateBasedRuleList[].maxRateAllowed", limit),
                }
                self.leave_rest("rateBasedRuleList[]", &rate.rest);
            } else {
                self.leave_element("rateBasedRuleList[]", &mut cursor);
            }
            number += 1;
        }
    }

    fn leave_element(&mut self, path: &str, cursor: &mut Cursor<'_>) {
        if let Ok(value) = cursor.value() {
            self.unmapped.add(path, value);
        }
    }
}
