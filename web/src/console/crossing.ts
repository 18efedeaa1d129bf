// Whether an outline crosses or touches itself: then it has no inside that could be counted.
type Corner = readonly [number, number]

/** Above 0 where c lies to the left of the way from a to b, below 0 to the right, 0 on its line. */
const side = (a: Corner, b: Corner, c: Corner) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

const isBetween = (a: Corner, b: Corner, c: Corner) =>
  Math.min(a[0], b[0]) <= c[0] && c[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= c[1] && c[1] <= Math.max(a[1], b[1])

function meet(a: Corner, b: Corner, c: Corner, d: Corner): boolean {
  const [ofC, ofD, ofA, ofB] = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)]
  if (ofC !== ofD && ofA !== ofB && ofC * ofD * ofA * ofB !== 0) return true
  return (
    (ofC === 0 && isBetween(a, b, c)) || (ofD === 0 && isBetween(a, b, d)) ||
    (ofA === 0 && isBetween(c, d, a)) || (ofB === 0 && isBetween(c, d, b))
  )
}

/** The side to b goes back over itself to c. */
const turnsBack = (a: Corner, b: Corner, c: Corner) =>
  side(a, b, c) === 0 && (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1]) > 0

/** Two sides of the area with these corners (the first is not repeated) meet elsewhere than at the corner they share. */
export function crossesItself(corners: readonly Corner[]): boolean {
  const count = corners.length
  const at = (index: number) => corners[index % count]!
  for (let one = 0; one < count; one++) {
    if (turnsBack(at(one), at(one + 1), at(one + 2))) return true
    for (let other = one + 2; other < count; other++) {
      const areNeighbours = one === 0 && other === count - 1
      if (!areNeighbours && meet(at(one), at(one + 1), at(other), at(other + 1))) return true
    }
  }
  return false
}
