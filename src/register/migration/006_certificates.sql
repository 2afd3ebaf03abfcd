-- What a 転出証明書 states beside what the register held (令23条, 24条の3; 法30条の45), and the special move in (法24条の2).
ALTER TABLE register_resident ADD COLUMN residence_category TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN residence_card_number TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN health_insurance TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN elderly_insurance TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN care_insurance TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN pension_category TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN basic_pension_number TEXT NOT NULL DEFAULT '';
ALTER TABLE register_resident ADD COLUMN child_allowance TEXT NOT NULL DEFAULT '';
-- 1: entered by 転入届の特例
ALTER TABLE register_resident ADD COLUMN special INT64 NOT NULL DEFAULT 0;
