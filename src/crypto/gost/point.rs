//! Points of y² = x³ + a x + b: in Jacobian coordinates for public data, in projective
//! coordinates with complete formulas for secrets.

use super::field::Field;

/// The coefficients of a curve.
#[derive(Clone, Copy)]
pub(super) struct Coefficients<F> {
    pub a: F,
    pub b: F,
    /// Whether a = −3, which makes doubling cheaper.
    pub minus_three: bool,
}

/// A finite point.
#[derive(Clone, Copy)]
pub(super) struct Affine<F> {
    pub x: F,
    pub y: F,
}

/// (X / Z², Y / Z³); Z = 0 at infinity. Everything on it is in variable time.
#[derive(Clone, Copy)]
pub(super) struct Jacobian<F> {
    pub x: F,
    pub y: F,
    pub z: F,
}

/// (X / Z, Y / Z); Z = 0 at infinity. Everything on it is in constant time.
#[derive(Clone, Copy)]
pub(super) struct Projective<F> {
    pub x: F,
    pub y: F,
    pub z: F,
}

impl<F> Affine<F> {
    /// Whether the point lies on the curve.
    pub(super) fn is_on<const N: usize>(&self, curve: &Coefficients<F>) -> bool
    where
        F: Field<N>,
    {
        let right = self.x.square().add(&curve.a).multiply(&self.x).add(&curve.b);
        self.y.square().equals(&right)
    }

    pub(super) fn negate<const N: usize>(&self) -> Self
    where
        F: Field<N>,
    {
        Self { x: self.x, y: self.y.negate() }
    }
}

impl<F> Jacobian<F> {
    pub(super) fn infinity<const N: usize>() -> Self
    where
        F: Field<N>,
    {
        Self { x: F::one(), y: F::one(), z: F::zero() }
    }

    pub(super) fn from_affine<const N: usize>(point: &Affine<F>) -> Self
    where
        F: Field<N>,
    {
        Self { x: point.x, y: point.y, z: F::one() }
    }

    pub(super) fn double<const N: usize>(&self, curve: &Coefficients<F>) -> Self
    where
        F: Field<N>,
    {
        let yy = self.y.square();
        let zz = self.z.square();
        // 3 X² + a Z⁴, which is 3 (X − Z²) (X + Z²) for a = −3.
        let slope = if curve.minus_three {
            let product = self.x.subtract(&zz).multiply(&self.x.add(&zz));
            product.double().add(&product)
        } else {
            let xx = self.x.square();
            xx.double().add(&xx).add(&zz.square().multiply(&curve.a))
        };
        let four = self.x.multiply(&yy).double().double();
        let x = slope.square().subtract(&four.double());
        let z = self.y.multiply(&self.z).double();
        let eight = yy.double().square().double();
        let y = four.subtract(&x).multiply(&slope).subtract(&eight);
        Self { x, y, z }
    }

    /// Adds any point.
    pub(super) fn add<const N: usize>(&self, other: &Self, curve: &Coefficients<F>) -> Self
    where
        F: Field<N>,
    {
        if other.z.is_zero() == 1 {
            return *self;
        }
        if self.z.is_zero() == 1 {
            return *other;
        }
        let zz = other.z.square();
        let (x, y) = (self.x.multiply(&zz), self.y.multiply(&zz.multiply(&other.z)));
        match (Self { x, y, z: self.z }).meet(&other.x, &other.y) {
            Meeting::Sum(sum) => Self { z: sum.z.multiply(&other.z), ..sum },
            Meeting::Same => self.double(curve),
            Meeting::Opposite => Self::infinity(),
        }
    }

    /// Adds a finite point.
    pub(super) fn add_affine<const N: usize>(
        &self,
        other: &Affine<F>,
        curve: &Coefficients<F>,
    ) -> Self
    where
        F: Field<N>,
    {
        if self.z.is_zero() == 1 {
            return Self::from_affine(other);
        }
        match self.meet(&other.x, &other.y) {
            Meeting::Sum(sum) => sum,
            Meeting::Same => self.double(curve),
            Meeting::Opposite => Self::infinity(),
        }
    }

    // The chord through this finite point and (x, y), both scaled by the other's Z.
    fn meet<const N: usize>(&self, x: &F, y: &F) -> Meeting<F>
    where
        F: Field<N>,
    {
        let zz = self.z.square();
        let run = x.multiply(&zz).subtract(&self.x);
        let rise = y.multiply(&zz.multiply(&self.z)).subtract(&self.y);
        if run.is_zero() == 1 {
            return if rise.is_zero() == 1 { Meeting::Same } else { Meeting::Opposite };
        }
        let run2 = run.square();
        let run3 = run2.multiply(&run);
        let middle = self.x.multiply(&run2);
        let x = rise.square().subtract(&run3).subtract(&middle.double());
        let y = middle.subtract(&x).multiply(&rise).subtract(&self.y.multiply(&run3));
        Meeting::Sum(Self { x, y, z: self.z.multiply(&run) })
    }
}

enum Meeting<F> {
    Sum(Jacobian<F>),
    Same,
    Opposite,
}

/// The finite points among these, with one inversion for all. None may be at infinity.
pub(super) fn normalise<const N: usize, F: Field<N>>(points: &[Jacobian<F>]) -> Vec<Affine<F>> {
    let mut products = Vec::with_capacity(points.len());
    let mut all = F::one();
    for point in points {
        products.push(all);
        all = all.multiply(&point.z);
    }
    let mut inverse = all.invert();
    let mut out: Vec<Affine<F>> = points
        .iter()
        .zip(&products)
        .rev()
        .map(|(point, before)| {
            let z = inverse.multiply(before);
            inverse = inverse.multiply(&point.z);
            let zz = z.square();
            Affine { x: point.x.multiply(&zz), y: point.y.multiply(&zz.multiply(&z)) }
        })
        .collect();
    out.reverse();
    out
}

impl<F> Projective<F> {
    pub(super) fn infinity<const N: usize>() -> Self
    where
        F: Field<N>,
    {
        Self { x: F::zero(), y: F::one(), z: F::zero() }
    }

    /// The sum by one formula for every pair of points of odd order (Renes, Costello, Batina,
    /// "Complete addition formulas for prime order elliptic curves", 2016, algorithm 1).
    pub(super) fn add<const N: usize>(
        &self,
        other: &Self,
        curve: &Coefficients<F>,
        three_b: &F,
    ) -> Self
    where
        F: Field<N>,
    {
        let crossed =
            |a: &F, b: &F, c: &F, d: &F, sum: F| a.add(b).multiply(&c.add(d)).subtract(&sum);
        let xx = self.x.multiply(&other.x);
        let yy = self.y.multiply(&other.y);
        let zz = self.z.multiply(&other.z);
        let xy = crossed(&self.x, &self.y, &other.x, &other.y, xx.add(&yy));
        let xz = crossed(&self.x, &self.z, &other.x, &other.z, xx.add(&zz));
        let yz = crossed(&self.y, &self.z, &other.y, &other.z, yy.add(&zz));
        let azz = curve.a.multiply(&zz);
        let part = curve.a.multiply(&xz).add(&three_b.multiply(&zz));
        let (minus, plus) = (yy.subtract(&part), yy.add(&part));
        let slope = xx.double().add(&xx).add(&azz);
        let cross = three_b.multiply(&xz).add(&curve.a.multiply(&xx.subtract(&azz)));
        Self {
            x: xy.multiply(&minus).subtract(&yz.multiply(&cross)),
            y: minus.multiply(&plus).add(&slope.multiply(&cross)),
            z: yz.multiply(&plus).add(&xy.multiply(&slope)),
        }
    }

    /// `self` where `choice` is 0, `other` where it is 1.
    pub(super) fn select<const N: usize>(&self, other: &Self, choice: u64) -> Self
    where
        F: Field<N>,
    {
        Self {
            x: self.x.select(&other.x, choice),
            y: self.y.select(&other.y, choice),
            z: self.z.select(&other.z, choice),
        }
    }

    /// The finite point; (0, 0) for infinity.
    pub(super) fn to_affine<const N: usize>(self) -> Affine<F>
    where
        F: Field<N>,
    {
        let inverse = self.z.invert();
        Affine { x: self.x.multiply(&inverse), y: self.y.multiply(&inverse) }
    }
}
