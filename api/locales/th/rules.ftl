# คำเตือนก่อนบันทึกกฎเฝ้าระวัง และประโยคของช่องที่กรอกไม่ถูก
rule-level-watch = เฝ้าระวัง
rule-level-warning = เตือนภัย
rule-level-danger = อันตราย
rule-unit-m = ม.
rule-unit-mm = มม.
rule-warning-above-bank = เกณฑ์{ $level } { $value } ม.รทก. สูงกว่าตลิ่ง ({ $bank } ม.รทก.) อยู่ { $above } ม. น้ำจะท่วมก่อนที่กฎนี้จะเตือน
rule-warning-below-bed = เกณฑ์{ $level } { $value } ม.รทก. ต่ำกว่าท้องคลอง ({ $bed } ม.รทก.) อยู่ { $below } ม. แม้คลองแห้งก็ยังเกินเกณฑ์
rule-warning-dead-band-wide = ช่วงกันแกว่ง { $band } { $unit } กว้างกว่าระยะระหว่างเกณฑ์ที่ชิดกันที่สุด ({ $gap } { $unit }) สถานะจะลงข้ามขั้น
rule-warning-dead-band-to-floor = ช่วงกันแกว่ง { $band } { $unit } ใต้เกณฑ์{ $level } { $value } { $unit } ต่ำกว่าค่าต่ำสุดที่เป็นไปได้ ({ $floor } { $unit }) สถานะจะไม่กลับเป็นปกติ
rule-warning-never-reached = จากค่าที่ใช้ได้ { $readings } ค่าในช่วงทดลอง ไม่มีค่าใดถึงเกณฑ์{ $level }
rule-warning-always-reached = ค่าที่ใช้ได้ทั้ง { $readings } ค่าในช่วงทดลองถึงเกณฑ์{ $level }ตลอด กฎนี้จะเตือนไม่หยุด
rule-warning-no-readings = ไม่มีค่าที่ใช้ได้ในช่วงทดลอง จึงบอกไม่ได้ว่ากฎนี้จะทำอะไร
field-timezone_aware = { $field }: เวลาต้องบอกเขตเวลาด้วย เช่น 2026-11-21T10:00:00+07:00
