# The officers' morning map.
briefing-title = แผนที่สรุปสถานการณ์น้ำ
briefing-at = ภาพน้ำท่วมที่ {$run} เมื่อ {$at} น.
briefing-no-run = ยังไม่มีภาพน้ำท่วม
briefing-no-data = ไม่มีเครื่องวัดที่ใช้ได้ แผนที่นี้ไม่ได้บอกว่าปลอดภัย
briefing-simulated = ข้อมูลจำลอง ไม่ใช่เหตุการณ์จริง
briefing-depth-1 = ข้อเท้า ไม่เกิน 0.2 ม.
briefing-depth-2 = เข่า ไม่เกิน 0.5 ม.
briefing-depth-3 = เอว ไม่เกิน 1.0 ม.
briefing-depth-4 = เกินเอว มากกว่า 1.0 ม.
briefing-severity-0 = ปกติ
briefing-severity-1 = เฝ้าระวัง
briefing-severity-2 = เตือนภัย
briefing-severity-3 = อันตราย
briefing-zone = {$name}: {$severity} · ประชาชนในน้ำ {$people} คน · บ้านสมาชิก {$homes} หลัง (เปราะบาง {$vulnerable}) · ถนน {$roads} กม. · ลึกราว {$depth} ม.
briefing-gauge = {$name}: {$level} ม.รทก. เมื่อ {$at} น. · {$severity}
briefing-gauge-silent = {$name}: ไม่มีค่าที่เชื่อถือได้
briefing-facility = {$name} ({$kind}) อยู่ในน้ำ: {$depth}
