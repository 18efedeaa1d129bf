# คำอธิบายสถานี สิ่งที่วัด และเครื่องวัด สำหรับผู้ใช้ SensorThings
station-gauge = สถานีวัดระดับน้ำ { $code }
station-camera = กล้องอ่านระดับน้ำ { $code }
station-rain = สถานีวัดน้ำฝน { $code }
sensor-gauge = เครื่องวัดระดับน้ำ
sensor-camera = กล้องอ่านไม้วัดระดับน้ำ
sensor-rain = เครื่องวัดน้ำฝน
property-water-level = ระดับน้ำ
property-water-level-what = ระดับผิวน้ำเหนือระดับทะเลปานกลาง
property-rainfall = ปริมาณฝน
property-rainfall-what = ปริมาณฝนในหนึ่งช่วงเวลา
stream-water-level = ระดับน้ำที่ { $name }
stream-rainfall = ปริมาณฝนที่ { $name }
unit-m = เมตร
unit-mm = มิลลิเมตร
